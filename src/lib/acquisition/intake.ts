/**
 * Data Acquisition: from messages to committed readings.
 *
 * In: messages from a transport. Out: readings, machines and sensors handed to the group commit; everything refused or altered
 * is counted. Knows machines and sensors seen so far, their clocks and valid ranges.
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
	type Presence,
	type SensorId,
	type SensorRecord,
	type SensorRule,
	type SourceMapping,
	type WaveformSeriesFeature
} from '../contracts';

import { Decoder, MAX_PAYLOAD_BYTES } from './decode/decoder';
import type { LevelRule } from './decode/topics';
import type { GroupCommit } from './group-commit';
import { describePayload, type IntakeTally } from './intake-tally';
import { AppliedMapping, mappedName, type MappedMachine } from './mapping';
import type {
	DecodeSink,
	IncomingMessage,
	MachinePlace,
	PresenceWord,
	SensorDescription,
	ValueExtras,
	WaveformSamples
} from './message';
import type { ReadingStore, WaveformMeasure } from './ports';
import { guessKind } from './sensor-kind';
import { SourceClock } from './source-clock';

/** More sensors than any machine has: names with a counter or a date in them would otherwise fill the registry. */
export const MAX_SENSORS_PER_MACHINE = 2_000;
export const MAX_MACHINES = 250_000;
/** Readings that may wait for a commit; beyond, QoS 0 is left out. */
export const MAX_PENDING_READINGS = 400_000;
/** QoS 1 stops at the receive maximum by itself; where messages are large, or the broker knows no such limit, here: about 100 MB. */
export const MAX_HELD_READINGS = 2_000_000;

/** What is said of machines that have sent nothing yet is kept for this many of them. */
const MAX_AWAITED = 10_000;

/** A sensor as it is stored. */
interface SensorState {
	readonly index: number;
	readonly id: SensorId;
	record: SensorRecord;
	/** What a person said of it: stronger than what the source says. */
	rule?: SensorRule;
}

/** A machine as it is stored. */
interface MachineState {
	record: MachineRecord;
}

/** A machine as decoders name it, and what the mapping made of it and its sensors. Several may be one stored machine. */
interface SourceMachine {
	readonly place: MachinePlace;
	/** Undefined: the mapping leaves it out. */
	machine: MachineState | undefined;
	/** By the name that decoders give; null: left out. */
	readonly sensors: Map<string, SensorState | null>;
	readonly clock: SourceClock;
}

export interface IntakeOptions {
	readonly origin: MachineRecord['origin'];
	/** Beside those of the mapping, which come first. */
	readonly levelRules?: readonly LevelRule[];
	readonly mapping?: SourceMapping;
	readonly maxBehindMs?: number;
	readonly ask?: (topic: string, payload: Uint8Array) => void;
	/** Without it waveforms are kept and leave no series behind. */
	readonly measureWaveform?: WaveformMeasure;
}

export class Intake implements DecodeSink {
	readonly #sources = new Map<MachineId, SourceMachine>();
	readonly #machines = new Map<MachineId, MachineState>();
	readonly #sensors = new Map<SensorId, SensorState>();
	/** Numbers of the series that waveforms leave behind: stored, but no sensors. */
	readonly #derived = new Map<SensorId, number>();
	/** What was said of machines before their first message. */
	readonly #awaited = new Map<MachineId, PresenceWord>();
	readonly #decoder: Decoder;
	#mapping: AppliedMapping;
	#lastSource: SourceMachine | undefined;
	/** Sources to be found anew under a new mapping. */
	#remapped = new Set<MachineId>();
	#sensorCount = 0;
	#message: IncomingMessage = { topic: '', payload: new Uint8Array(), retain: false, receivedAt: 0 };
	/** Payload of a message that came as an object, for examples. */
	#object: unknown;
	#valuesInMessage = 0;
	#understood = false;

	constructor(
		private readonly commit: GroupCommit,
		private readonly tally: IntakeTally,
		private readonly options: IntakeOptions
	) {
		this.#mapping = new AppliedMapping(options.mapping);
		this.#decoder = new Decoder(this.#levelRules());
	}

	/** What storage knows already: valid ranges, units, and which sensors exist. */
	async load(store: Pick<ReadingStore, 'registry'>): Promise<void> {
		const [machines, sensors] = await Promise.all([store.registry.machines(), store.registry.sensors()]);
		for (const record of machines) this.#machines.set(record.id, { record });
		for (const record of sensors) this.#sensors.set(record.id, this.#newSensor(record));
	}

	/** Another mapping, from the next message on. What is stored stays where it is. */
	setMapping(mapping: SourceMapping | undefined): void {
		this.#mapping = new AppliedMapping(mapping);
		this.#decoder.setLevelRules(this.#levelRules());
		for (const source of this.#sources.values()) {
			source.sensors.clear();
			source.machine = undefined;
		}
		// Clocks are of the source and stay; machine and sensors are found anew as messages come.
		this.#remapped = new Set(this.#sources.keys());
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
		this.#begin(message, undefined);
		if (this.#mapping.ignores(message.topic)) this.reject('ignored', 'the mapping says to leave this topic out');
		else this.#decoder.decode(message, this);
		this.#end(message, safe);
	}

	/** A message too large to be read at all; `message.payload` is its beginning. */
	refuse(message: IncomingMessage, bytes: number, safe?: () => void): void {
		this.tally.messages++;
		this.tally.bytes += bytes;
		this.#begin(message, undefined);
		this.reject('payload-too-large', `${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are read`);
		this.#end(message, safe);
	}

	/** What a person or another tab changed in the registry: ranges and units. */
	learn(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		for (const record of machines) {
			const machine = this.#machines.get(record.id);
			if (machine) machine.record = record;
		}
		for (const record of sensors) {
			const sensor = this.#sensors.get(record.id);
			if (sensor) sensor.record = record;
		}
	}

	/** Clocks so far off that times are corrected, by stored machine: milliseconds ahead of this device. */
	corrections(): Map<MachineId, number> {
		const corrections = new Map<MachineId, number>();
		for (const { machine, clock } of this.#sources.values())
			if (machine && clock.correctionMs !== undefined) corrections.set(machine.record.id, clock.correctionMs);
		return corrections;
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
		this.#understood = false;
	}

	#end(message: IncomingMessage, safe: (() => void) | undefined): void {
		if (this.#understood || this.#valuesInMessage > 0) this.tally.understood++;
		this.tally.changed = true;
		this.commit.endMessage(message.receivedAt, safe);
	}

	value(
		place: MachinePlace,
		sensorName: string,
		value: number,
		stated: EpochMs | undefined,
		extras?: ValueExtras
	): void {
		const { receivedAt, retain } = this.#message;
		const source = this.#sourceOf(place);
		if (!source?.machine) return;
		const sensor = this.#sensorOf(source, source.machine, sensorName, extras?.unit);
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
		// Who sends is there, whatever was said before.
		if (source.machine.record.presence?.online === false && !retain)
			this.#setPresence(source.machine, { online: true, reason: 'it sends again' });
		let quality: Quality = extras?.quality ?? Quality.good;
		const range = sensor.record.validRange;
		if (range && (value < range[0] || value > range[1])) {
			quality = Quality.bad;
			this.reject('out-of-range', `field '${sensorName}': ${value} is outside ${range[0]} to ${range[1]}`);
		}
		this.tally.readings++;
		this.commit.push(sensor.index, sensor.id, time, value, quality);
	}

	waveform(place: MachinePlace, channelName: string, stated: EpochMs | undefined, said: WaveformSamples): void {
		const { receivedAt, retain, topic } = this.#message;
		const source = this.#sourceOf(place);
		if (!source?.machine) return;
		const plain = cleanLevel(channelName);
		const rule = this.#mapping.sensor(topic, source.place.id, plain);
		if (rule?.ignored) return this.reject('ignored', `the mapping says to leave '${plain}' of ${place.id} out`);
		this.#valuesInMessage++;
		if (retain && stated === undefined)
			return this.reject('retained', 'a waveform kept by the broker, without a time: not stored');
		let time = receivedAt;
		if (stated !== undefined)
			time = source.clock.accepts(stated, receivedAt) ? stated : this.#judgeTime(source, stated, receivedAt);
		if (source.machine.record.presence?.online === false && !retain)
			this.#setPresence(source.machine, { online: true, reason: 'it sends again' });
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
			let index = this.#derived.get(id);
			if (index === undefined) this.#derived.set(id, (index = this.#sensorCount++));
			this.commit.push(index, id, time, value, Quality.good);
		}
	}

	describe(
		place: MachinePlace,
		machineClass: MachineClassId | undefined,
		sensors: ReadonlyMap<string, SensorDescription>,
		declared?: MachineDeclaration
	): void {
		this.#understood = true;
		const source = this.#sourceOf(place);
		const machine = source?.machine;
		if (!machine) return;
		if (machineClass && machine.record.machineClass !== machineClass && !this.#classByPerson(place)) {
			machine.record = { ...machine.record, machineClass };
			this.commit.register(machine.record, undefined);
		}
		if (declared && JSON.stringify(machine.record.declared) !== JSON.stringify(declared)) {
			machine.record = { ...machine.record, declared };
			this.commit.register(machine.record, undefined);
		}
		for (const [name, said] of sensors) {
			const sensor = this.#sensorOf(source, machine, name, said.unit);
			if (!sensor) continue;
			const old = sensor.record;
			const unit = sensor.rule?.unit ?? said.unit ?? old.unit;
			this.#update(sensor, {
				...old,
				unit,
				kind: sensor.rule?.kind ?? said.kind ?? (old.kind === 'other' ? guessKind(name, unit) : old.kind),
				resolution: said.resolution ?? old.resolution,
				validRange: sensor.rule?.range ?? said.range ?? old.validRange
			});
		}
	}

	presence(place: MachinePlace, said: PresenceWord): void {
		this.#understood = true;
		for (const id of said.within ? this.#within(place.id) : [place.id]) {
			const source = this.#sources.get(id);
			const machine = source ? source.machine : this.#machines.get(this.#mapping.machine(id, place.path).id);
			if (machine) this.#setPresence(machine, said);
			else if (this.#awaited.size < MAX_AWAITED) this.#awaited.set(id, said);
		}
	}

	reject(reason: IntakeReason, message: string): void {
		const { topic, payload, receivedAt } = this.#message;
		const object = this.#object;
		this.tally.count(reason, 1, receivedAt, () => ({
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
		return [...this.#mapping.levelRules, ...(this.options.levelRules ?? [])];
	}

	#sourceOf(place: MachinePlace): SourceMachine | undefined {
		// The values of a message come one after another.
		const last = this.#lastSource;
		if (last?.place === place && last.machine && this.#remapped.size === 0) return last;
		const source = this.#findSource(place);
		if (source?.place === place) this.#lastSource = source;
		return source;
	}

	#findSource(place: MachinePlace): SourceMachine | undefined {
		const known = this.#sources.get(place.id);
		if (known && !(this.#remapped.size > 0 && this.#remapped.delete(place.id))) {
			if (!known.machine) this.reject('ignored', `the mapping says to leave ${place.id} out`);
			return known;
		}
		const mapped = this.#mapping.machine(place.id, place.path);
		const machine = mapped.rule?.ignored ? undefined : this.#storedMachine(mapped, place);
		if (!machine && !mapped.rule?.ignored) return undefined;
		const source = known ?? {
			place,
			machine,
			sensors: new Map(),
			clock: new SourceClock(this.options.maxBehindMs)
		};
		source.machine = machine;
		this.#sources.set(place.id, source);
		if (!machine) this.reject('ignored', `the mapping says to leave ${place.id} out`);
		const said = this.#awaited.get(place.id);
		if (said && machine) {
			this.#awaited.delete(place.id);
			this.#setPresence(machine, said);
		}
		return source;
	}

	#storedMachine({ id, path, rule }: MappedMachine, place: MachinePlace): MachineState | undefined {
		let machine = this.#machines.get(id);
		if (!machine) {
			if (this.#machines.size >= MAX_MACHINES) {
				this.reject('too-many-sensors', `more than ${MAX_MACHINES} machines; ${place.id} was left out`);
				return undefined;
			}
			machine = { record: { id, path, origin: this.options.origin, firstSeen: this.#message.receivedAt } };
			this.#machines.set(id, machine);
			this.commit.register(machine.record, undefined);
		}
		if (rule?.machineClass && machine.record.machineClass !== rule.machineClass) {
			machine.record = { ...machine.record, machineClass: rule.machineClass };
			this.commit.register(machine.record, undefined);
		}
		return machine;
	}

	#classByPerson(place: MachinePlace): boolean {
		return this.#mapping.machine(place.id, place.path).rule?.machineClass !== undefined;
	}

	#sensorOf(
		source: SourceMachine,
		machine: MachineState,
		rawName: string,
		unit: string | undefined
	): SensorState | undefined {
		let sensor = source.sensors.get(rawName);
		if (sensor === undefined) {
			if (source.sensors.size >= MAX_SENSORS_PER_MACHINE) {
				this.reject(
					'too-many-sensors',
					`${source.place.id} has more than ${MAX_SENSORS_PER_MACHINE} sensors; '${rawName}'`
				);
				return undefined;
			}
			sensor = this.#storedSensor(source, machine, rawName, unit);
			source.sensors.set(rawName, sensor);
		}
		if (sensor === null) {
			this.reject('ignored', `the mapping says to leave '${rawName}' of ${source.place.id} out`);
			return undefined;
		}
		if (unit !== undefined && sensor.record.unit === undefined) {
			const kind = sensor.record.kind === 'other' ? guessKind(sensor.record.name, unit) : sensor.record.kind;
			this.#update(sensor, { ...sensor.record, unit, kind });
		}
		return sensor;
	}

	/** The stored sensor behind a name that decoders give; null if the mapping leaves it out. */
	#storedSensor(
		source: SourceMachine,
		machine: MachineState,
		rawName: string,
		stated: string | undefined
	): SensorState | null {
		// A name with reserved characters is the same sensor as its cleaned form.
		const plain = cleanLevel(rawName);
		const rule = this.#mapping.sensor(this.#message.topic, source.place.id, plain);
		if (rule?.ignored) return null;
		const machineId = machine.record.id;
		const name = mappedName(rule, plain);
		const id = sensorIdOf(machineId, name);
		const address = sensorIdOf(source.place.id, plain);
		const unit = rule?.unit ?? stated;
		const known = this.#sensors.get(id);
		const sensor =
			known ??
			this.#newSensor({
				id,
				machineId,
				name,
				kind: guessKind(name, unit),
				firstSeen: this.#message.receivedAt,
				...(address !== id && !address.includes(':~') && { source: address })
			});
		if (rule) sensor.rule = rule;
		if (!known) {
			this.#sensors.set(id, sensor);
			this.commit.register(undefined, sensor.record);
		}
		this.#update(sensor, {
			...sensor.record,
			...(unit !== undefined && { unit: rule?.unit ?? sensor.record.unit ?? unit }),
			...(rule?.kind && { kind: rule.kind }),
			...(rule?.range && { validRange: rule.range })
		});
		return sensor;
	}

	#update(sensor: SensorState, next: SensorRecord): void {
		if (sameSensor(sensor.record, next)) return;
		sensor.record = next;
		this.commit.register(undefined, next);
	}

	#setPresence(machine: MachineState, { online, reason }: PresenceWord): void {
		const before = machine.record.presence;
		if (before ? before.online === online : online) return;
		const presence: Presence = { online, since: this.#message.receivedAt, reason };
		machine.record = { ...machine.record, presence };
		this.commit.register(machine.record, undefined);
	}

	/** Machines, as decoders name them, at a place and below it: heard in this session, stored before, or named by the mapping. */
	#within(place: MachineId): Iterable<MachineId> {
		const below = `${place}/`;
		const found = new Set([place]);
		for (const ids of [this.#sources.keys(), this.#machines.keys(), this.#mapping.sourcesWithin(place)])
			for (const id of ids) if (id.startsWith(below)) found.add(id);
		return found;
	}

	#newSensor(record: SensorRecord): SensorState {
		return { index: this.#sensorCount++, id: record.id, record };
	}
}

const EMPTY = new Uint8Array();

function sameSensor(a: SensorRecord, b: SensorRecord): boolean {
	return (
		a.unit === b.unit &&
		a.kind === b.kind &&
		a.resolution === b.resolution &&
		a.validRange?.[0] === b.validRange?.[0] &&
		a.validRange?.[1] === b.validRange?.[1]
	);
}
