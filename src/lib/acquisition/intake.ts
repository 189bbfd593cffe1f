/**
 * Data Acquisition: from messages to committed readings.
 *
 * In: messages from a transport. Out: readings, machines and sensors handed to the group commit; everything refused or altered
 * is counted. Machines and sensors are found by `SourcePlant`.
 */
import {
	cleanLevel,
	Quality,
	sensorIdOf,
	waveformSeriesName,
	type EpochMs,
	type IntakeReason,
	type MachineClassId,
	type MachineDeclaration,
	type MachineId,
	type MachineRecord,
	type SensorId,
	type SensorRecord,
	type SourceMapping,
	type WaveformSeriesFeature
} from '../contracts';

import { Decoder, MAX_PAYLOAD_BYTES } from './decode/decoder';
import type { LevelRule } from './decode/topics';
import { EdgeNodes } from './dialects/edge-nodes';
import type { GroupCommit } from './group-commit';
import { HeldMessages, type HeldMessage } from './held-messages';
import { describePayload, type IntakeTally } from './intake-tally';
import { mappedName } from './mapping';
import type {
	DecodeSink,
	IncomingMessage,
	MachinePlace,
	NumberedField,
	PresenceWord,
	SensorDescription,
	ValueExtras,
	WaveformSamples
} from './message';
import type { ReadingStore, WaveformMeasure } from './ports';
import { SourcePlant, type SourceMachine } from './source-plant';

/** Readings that may wait for a commit; beyond, QoS 0 is left out. */
export const MAX_PENDING_READINGS = 400_000;
/** QoS 1 stops at the receive maximum by itself; where messages are large, or the broker knows no such limit, here: about 100 MB. */
export const MAX_HELD_READINGS = 2_000_000;

export interface IntakeOptions {
	readonly origin: MachineRecord['origin'];
	/** Beside those of the mapping, which come first. */
	readonly levelRules?: readonly LevelRule[];
	readonly mapping?: SourceMapping;
	readonly maxBehindMs?: number;
	readonly ask?: (topic: string, payload: Uint8Array) => void;
	/** Messages at QoS 1 that may be held back at once until another explains them. */
	readonly mostHeldAcknowledgements?: () => number;
	/** Without it waveforms are kept and leave no series behind. */
	readonly measureWaveform?: WaveformMeasure;
}

export class Intake implements DecodeSink {
	readonly #plant: SourcePlant;
	readonly #decoder: Decoder;
	readonly #held: HeldMessages;
	/** What held messages waited for and has come, with the present message. */
	#released: string[] = [];
	/** What to call once the present message is durable. */
	#safe: (() => void) | undefined;
	#isHeld = false;
	/** What Sparkplug's edge nodes said at their births; kept by whoever owns the source. */
	readonly edgeNodes = new EdgeNodes();
	#message: IncomingMessage = { topic: '', payload: new Uint8Array(), retain: false, receivedAt: 0 };
	/** Payload of a message that came as an object, for examples. */
	#object: unknown;
	#valuesInMessage = 0;
	/** Readings of the present message that there was no memory for. */
	#beyondMemory = 0;
	#understood = false;

	constructor(
		private readonly commit: GroupCommit,
		private readonly tally: IntakeTally,
		private readonly options: IntakeOptions
	) {
		this.#plant = new SourcePlant({
			origin: options.origin,
			mapping: options.mapping,
			maxBehindMs: options.maxBehindMs,
			message: () => this.#message,
			register: (machine, sensor) => commit.register(machine, sensor),
			reject: (reason, message) => this.reject(reason, message)
		});
		this.#decoder = new Decoder(this.#levelRules(), this.edgeNodes);
		this.#held = new HeldMessages(options.mostHeldAcknowledgements ?? (() => 0));
	}

	/** What storage knows already: valid ranges, units, and which sensors exist. */
	load(store: Pick<ReadingStore, 'registry'>): Promise<void> {
		return this.#plant.load(store);
	}

	/** Another mapping, from the next message on. What is stored stays where it is. */
	setMapping(mapping: SourceMapping | undefined): void {
		this.#plant.setMapping(mapping);
		this.#decoder.setLevelRules(this.#levelRules());
	}

	/** What a person or another tab changed in the registry: ranges and units. */
	learn(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		this.#plant.learn(machines, sensors);
	}

	/** Clocks so far off that times are corrected, by stored machine: milliseconds ahead of this device. */
	corrections(): Map<MachineId, number> {
		return this.#plant.corrections();
	}

	/** Takes one message; `safe` is called once all its readings are durable (at QoS 1: send the acknowledgement). */
	take(message: IncomingMessage, safe?: () => void): void {
		this.tally.messages++;
		this.tally.bytes += message.payload.length;
		if (!safe && this.commit.pendingReadings > MAX_PENDING_READINGS) {
			this.#begin(message, undefined);
			this.reject('overflow', `${this.commit.pendingReadings} readings wait to be stored`);
			return;
		}
		this.#read(message, safe);
		while (this.#released.length > 0)
			for (const held of this.#held.take(this.#released.pop()!)) this.#readAgain(held, message.receivedAt);
	}

	/** What was held back and not explained in time is read as far as it can be. */
	giveUpHeld(now: EpochMs): void {
		for (const held of this.#held.takeOverdue(now)) this.#readAgain(held, now);
	}

	#read(message: IncomingMessage, safe: (() => void) | undefined): void {
		this.#begin(message, undefined);
		this.#safe = safe;
		if (this.#plant.mapping.ignores(message.topic)) this.reject('ignored', 'the mapping says to leave this topic out');
		else this.#decoder.decode(message, this);
		this.#safe = undefined;
		if (this.#isHeld) this.#isHeld = false;
		else this.#end(message, safe);
	}

	#readAgain({ message, safe }: HeldMessage, now: EpochMs): void {
		this.#read({ ...message, againAt: now }, safe);
	}

	/** A message too large to be read at all; `message.payload` is its beginning. */
	refuse(message: IncomingMessage, bytes: number, safe?: () => void): void {
		this.tally.messages++;
		this.tally.bytes += bytes;
		this.#begin(message, undefined);
		this.reject('payload-too-large', `${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are read`);
		this.#end(message, safe);
	}

	/** The same for a source in this process that need not make bytes. */
	takeObject(topic: string, payload: unknown, receivedAt: EpochMs, retain = false): void {
		this.tally.messages++;
		const message: IncomingMessage = { topic, payload: EMPTY, retain, receivedAt };
		this.#begin(message, payload);
		this.#decoder.decodeObject(message, payload, this);
		this.#end(message, undefined);
	}

	#begin(message: IncomingMessage, object: unknown): void {
		this.#message = message;
		this.#object = object;
		this.#valuesInMessage = 0;
		this.#beyondMemory = 0;
		this.#understood = false;
	}

	#end(message: IncomingMessage, safe: (() => void) | undefined): void {
		if (this.#understood || this.#valuesInMessage > 0) this.tally.understood++;
		this.tally.changed = true;
		if (this.#beyondMemory > 0) {
			const outcome = safe ? 'the broker sends it again' : 'left out';
			this.reject('overflow', `no memory for ${this.#beyondMemory} readings of this message: ${outcome}`);
			this.commit.endMessage(message.receivedAt);
		} else this.commit.endMessage(message.receivedAt, safe);
	}

	value(
		place: MachinePlace,
		sensorName: string,
		value: number,
		stated: EpochMs | undefined,
		extras?: ValueExtras
	): void {
		const { receivedAt, retain } = this.#message;
		const source = this.#plant.sourceOf(place);
		if (!source?.machine) return;
		const sensor = this.#plant.sensorOf(source, source.machine, sensorName, extras?.unit);
		if (!sensor) return;
		this.#valuesInMessage++;
		if (retain) {
			this.reject(
				'retained',
				stated === undefined ? 'kept by the broker, without a time: not stored' : 'kept by the broker'
			);
			if (stated === undefined) return;
		}
		let time = receivedAt;
		if (stated !== undefined) {
			if (source.clock.accepts(stated, receivedAt) || (extras?.historical && stated <= receivedAt)) time = stated;
			else time = this.#judgeTime(source, stated, receivedAt);
		}
		if (!retain) this.#plant.hearFrom(source.machine);
		let quality: Quality = extras?.quality ?? Quality.good;
		const range = sensor.record.validRange;
		if (range && (value < range[0] || value > range[1])) quality = this.#beyondRange(sensorName, value, range);
		this.tally.readings++;
		this.#push(sensor.index, sensor.id, time, value, quality);
	}

	fields(place: MachinePlace, fields: readonly NumberedField[], numbers: Float64Array): boolean {
		const { receivedAt, retain } = this.#message;
		const source = retain ? undefined : this.#plant.knownSource(place);
		const sensors = source && this.#plant.sensorsOf(source, fields);
		if (!sensors) return false;
		let timeToken = -1;
		for (const field of fields) {
			// The values of a row have one time.
			if (field.timeToken === timeToken) continue;
			timeToken = field.timeToken;
			if (timeToken >= 0 && !source.clock.accepts(numbers[timeToken]!, receivedAt)) return false;
		}
		this.#plant.hearFrom(source.machine);
		for (let i = 0; i < fields.length; i++) {
			const { token, timeToken, extras } = fields[i]!;
			const { index, id, record } = sensors[i]!;
			const value = numbers[token]!;
			let quality: Quality = extras?.quality ?? Quality.good;
			const range = record.validRange;
			if (range && (value < range[0] || value > range[1])) quality = this.#beyondRange(record.name, value, range);
			this.#push(index, id, timeToken < 0 ? receivedAt : numbers[timeToken]!, value, quality);
		}
		this.#valuesInMessage += fields.length;
		this.tally.readings += fields.length;
		return true;
	}

	#beyondRange(name: string, value: number, range: readonly [number, number]): Quality {
		this.reject('out-of-range', `field '${name}': ${value} is outside ${range[0]} to ${range[1]}`);
		return Quality.bad;
	}

	waveform(place: MachinePlace, channelName: string, stated: EpochMs | undefined, said: WaveformSamples): void {
		const { receivedAt, retain, topic } = this.#message;
		const source = this.#plant.sourceOf(place);
		if (!source?.machine) return;
		const plain = cleanLevel(channelName);
		const rule = this.#plant.mapping.sensor(topic, source.place.id, plain);
		if (rule?.ignored) return this.reject('ignored', `the mapping says to leave '${plain}' of ${place.id} out`);
		this.#valuesInMessage++;
		if (retain && stated === undefined)
			return this.reject('retained', 'a waveform kept by the broker, without a time: not stored');
		let time = receivedAt;
		if (stated !== undefined)
			time = source.clock.accepts(stated, receivedAt) ? stated : this.#judgeTime(source, stated, receivedAt);
		if (!retain) this.#plant.hearFrom(source.machine);
		const machineId = source.machine.record.id;
		const unit = rule?.unit ?? said.unit;
		const waveform = {
			machineId,
			channel: mappedName(rule, plain),
			time,
			...said,
			...(unit !== undefined && { unit })
		};
		this.commit.keepWaveform(waveform);
		const features = this.options.measureWaveform?.(waveform) ?? {};
		for (const [feature, value] of Object.entries(features)) {
			const id = sensorIdOf(machineId, waveformSeriesName(waveform.channel, feature as WaveformSeriesFeature));
			this.#push(this.#plant.derivedIndex(id), id, time, value, Quality.good);
		}
	}

	#push(sensorIndex: number, sensorId: SensorId, time: EpochMs, value: number, quality: Quality): void {
		if (!this.commit.push(sensorIndex, sensorId, time, value, quality)) this.#beyondMemory++;
	}

	describe(
		place: MachinePlace,
		machineClass: MachineClassId | undefined,
		sensors: ReadonlyMap<string, SensorDescription>,
		declared?: MachineDeclaration
	): void {
		this.#understood = true;
		this.#plant.describe(place, machineClass, sensors, declared);
	}

	presence(place: MachinePlace, said: PresenceWord): void {
		this.#understood = true;
		this.#plant.presence(place, said);
	}

	reject(reason: IntakeReason, message: string): void {
		const { topic, payload, receivedAt, againAt } = this.#message;
		const object = this.#object;
		this.tally.count(reason, 1, againAt ?? receivedAt, () => ({
			topic,
			payload: object === undefined ? describePayload(payload) : JSON.stringify(object).slice(0, 500),
			message
		}));
	}

	understood(): void {
		this.#understood = true;
	}

	ask(topic: string, payload: Uint8Array): void {
		this.options.ask?.(topic, payload);
	}

	hold(key: string): boolean {
		return (this.#isHeld = this.#held.keep(key, this.#message, this.#safe));
	}

	release(key: string): void {
		this.#released.push(key);
	}

	#judgeTime({ clock, place }: SourceMachine, stated: EpochMs, receivedAt: EpochMs): EpochMs {
		const verdict = clock.judge(stated, receivedAt);
		if (verdict.reason) {
			const away = Math.abs(stated - receivedAt) / 60_000;
			const size = away > 2_880 ? `${Math.round(away / 1_440)} days` : `${Math.round(away)} minutes`;
			const side = stated > receivedAt ? 'ahead' : 'behind';
			const outcome = verdict.kept ? 'always: its own time is kept' : 'the time was corrected to that of arrival';
			this.reject(verdict.reason, `the clock of ${place.id} is ${size} ${side}; ${outcome}`);
		}
		return verdict.time;
	}

	#levelRules(): LevelRule[] {
		return [...this.#plant.mapping.levelRules, ...(this.options.levelRules ?? [])];
	}
}

const EMPTY = new Uint8Array();
