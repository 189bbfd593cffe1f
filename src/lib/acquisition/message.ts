/**
 * Data Acquisition, the form inside the block: a message as it came, and what a dialect may say of it.
 *
 * A dialect gets an `IncomingMessage` and calls a `DecodeSink` for everything it finds; the intake (intake.ts) is the sink.
 */
import type {
	AssetPath,
	EpochMs,
	IntakeReason,
	MachineClassId,
	MachineDeclaration,
	MachineId,
	Quality,
	SensorKind
} from '../contracts';

export interface IncomingMessage {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly retain: boolean;
	readonly receivedAt: EpochMs;
	/** When it is decoded for the second and last time, if it was held back: what is not sure then is left out. */
	readonly againAt?: EpochMs;
}

/** A machine as a topic or payload names it, with its id worked out once. */
export interface MachinePlace {
	readonly id: MachineId;
	readonly path: AssetPath;
}

export interface ValueExtras {
	readonly unit?: string;
	readonly quality?: Quality;
	/** Sent late by the source's own word (Sparkplug): the time is right, however old. */
	readonly historical?: boolean;
}

export interface SensorDescription {
	readonly unit?: string;
	readonly kind?: SensorKind;
	readonly resolution?: number;
	readonly range?: readonly [number, number];
}

/** What a source says of a machine being there. */
export interface PresenceWord {
	readonly online: boolean;
	/** Who says so and what, for a person: "its broker session ended (Sparkplug death certificate)". */
	readonly reason: string;
	/** It is said of everything below the place too (an edge node and its devices). */
	readonly within?: boolean;
}

/** Samples of one channel as a dialect found them, all finite. */
export interface WaveformSamples {
	readonly samples: Float32Array;
	readonly sampleRateHz?: number;
	readonly unit?: string;
	readonly shaftRpm?: number;
}

/** A value of a message whose numbers have been read already: where it stands among them. */
export interface NumberedField {
	readonly name: string;
	readonly token: number;
	/** -1: the message states no time. */
	readonly timeToken: number;
	readonly extras: ValueExtras | undefined;
}

export interface DecodeSink {
	/** A measured value. `time` undefined: the source gave none. */
	value(place: MachinePlace, sensorName: string, value: number, time: EpochMs | undefined, extras?: ValueExtras): void;
	/**
	 * All values of a message at once: the same as `value` of each, for who can take them without a call and two boxed numbers a value. The numbers are
	 * finite. False: not taken, they are to be said one by one.
	 */
	fields?(place: MachinePlace, fields: readonly NumberedField[], numbers: Float64Array): boolean;
	/** Consecutive samples of one channel; `time` is the first one's, undefined when the source gave none. */
	waveform(place: MachinePlace, channel: string, time: EpochMs | undefined, samples: WaveformSamples): void;
	/** What the source says of a machine apart from values. */
	describe(
		place: MachinePlace,
		machineClass: MachineClassId | undefined,
		sensors: ReadonlyMap<string, SensorDescription>,
		declared?: MachineDeclaration
	): void;
	/** A machine, known or not yet, came or went by the source's own word. */
	presence(place: MachinePlace, said: PresenceWord): void;
	/** Something was refused or altered; `message` says what and where. */
	reject(reason: IntakeReason, message: string): void;
	/** The message was understood and carries nothing to store (a birth certificate, a state). */
	understood(): void;
	/** Asks the transport to publish, e.g. a Sparkplug rebirth request. */
	ask(topic: string, payload: Uint8Array): void;
	/**
	 * Holds the present message back, unacknowledged, until `release` of the same key or for half a minute; it is then decoded again. False: it
	 * cannot be, and is to be decoded now.
	 */
	hold(key: string): boolean;
	/** What was held under this key can be decoded, after the present message. */
	release(key: string): void;
}

/** One payload convention. State (aliases, metadata) lives in the instance: one set of dialects per connection. */
export interface Dialect {
	readonly id: string;
	/** For a person, e.g. "Sparkplug B". */
	readonly title: string;
	/** The topic's levels mean what a person says they mean; otherwise the convention says. */
	readonly levelsAreFree: boolean;
	/**
	 * Cheap look at the message. `text` is the payload as text, undefined if it is not UTF-8; `json` is its parsed form,
	 * undefined if it is no JSON object or array.
	 */
	claims(message: IncomingMessage, text: string | undefined, json: unknown): boolean;
	decode(message: IncomingMessage, text: string, json: unknown, sink: DecodeSink): void;
}
