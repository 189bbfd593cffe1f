/**
 * Data Acquisition: from messages to committed readings.
 *
 * In: messages from a transport. Out: readings, machines and sensors handed to the group commit; everything refused or altered
 * is counted. Knows machines and sensors seen so far, their clocks and valid ranges.
 */
import {
	Quality,
	sensorIdOf,
	type EpochMs,
	type IntakeReason,
	type MachineClassId,
	type MachineId,
	type MachineRecord,
	type SensorId,
	type SensorRecord
} from '../contracts';

import { Decoder, MAX_PAYLOAD_BYTES } from './decode/decoder';
import type { TopicLevel } from './decode/topics';
import type { GroupCommit } from './group-commit';
import { describePayload, type IntakeTally } from './intake-tally';
import type { DecodeSink, IncomingMessage, MachinePlace, SensorDescription, ValueExtras } from './message';
import type { ReadingStore } from './ports';
import { guessKind } from './sensor-kind';
import { SourceClock } from './source-clock';

/** More sensors than any machine has: names with a counter or a date in them would otherwise fill the registry. */
export const MAX_SENSORS_PER_MACHINE = 2_000;
export const MAX_MACHINES = 250_000;
/** Readings that may wait for a commit; beyond, QoS 0 is left out (QoS 1 stops at the receive maximum by itself). */
export const MAX_PENDING_READINGS = 400_000;

interface SensorState {
	readonly index: number;
	readonly id: SensorId;
	record: SensorRecord;
}

interface MachineState {
	record: MachineRecord;
	readonly sensors: Map<string, SensorState>;
	readonly clock: SourceClock;
}

export interface IntakeOptions {
	readonly origin: MachineRecord['origin'];
	readonly topicLevels?: readonly TopicLevel[];
	readonly maxBehindMs?: number;
	readonly ask?: (topic: string, payload: Uint8Array) => void;
}

export class Intake implements DecodeSink {
	readonly #machines = new Map<MachineId, MachineState>();
	readonly #decoder: Decoder;
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
		this.#decoder = new Decoder(options.topicLevels);
	}

	/** What storage knows already: valid ranges, units, and which sensors exist. */
	async load(store: Pick<ReadingStore, 'registry'>): Promise<void> {
		const [machines, sensors] = await Promise.all([store.registry.machines(), store.registry.sensors()]);
		for (const record of machines) this.#machines.set(record.id, this.#newMachine(record));
		for (const record of sensors)
			this.#machines.get(record.machineId)?.sensors.set(record.name, this.#newSensor(record));
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
		this.#decoder.decode(message, this);
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
			const sensor = this.#machines.get(record.machineId)?.sensors.get(record.name);
			if (sensor) sensor.record = record;
		}
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
		const machine = this.#machineOf(place);
		if (!machine) return;
		const sensor = this.#sensorOf(machine, sensorName, extras?.unit);
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
			if (machine.clock.accepts(stated, receivedAt) || (extras?.historical && stated <= receivedAt)) time = stated;
			else time = this.#judgeTime(machine, stated, receivedAt);
		}
		let quality: Quality = extras?.quality ?? Quality.good;
		const range = sensor.record.validRange;
		if (range && (value < range[0] || value > range[1])) {
			quality = Quality.bad;
			this.reject('out-of-range', `field '${sensorName}': ${value} is outside ${range[0]} to ${range[1]}`);
		}
		this.tally.readings++;
		this.commit.push(sensor.index, sensor.id, time, value, quality);
	}

	describe(
		place: MachinePlace,
		machineClass: MachineClassId | undefined,
		sensors: ReadonlyMap<string, SensorDescription>
	): void {
		this.#understood = true;
		const machine = this.#machineOf(place);
		if (!machine) return;
		if (machineClass && machine.record.machineClass !== machineClass) {
			machine.record = { ...machine.record, machineClass };
			this.commit.register(machine.record, undefined);
		}
		for (const [name, said] of sensors) {
			const sensor = this.#sensorOf(machine, name, said.unit);
			if (!sensor) continue;
			const old = sensor.record;
			const next: SensorRecord = {
				...old,
				unit: said.unit ?? old.unit,
				kind: said.kind ?? (old.kind === 'other' ? guessKind(name, said.unit ?? old.unit) : old.kind),
				resolution: said.resolution ?? old.resolution,
				validRange: said.range ?? old.validRange
			};
			if (sameSensor(old, next)) continue;
			sensor.record = next;
			this.commit.register(undefined, next);
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

	#judgeTime(machine: MachineState, stated: EpochMs, receivedAt: EpochMs): EpochMs {
		const verdict = machine.clock.judge(stated, receivedAt);
		if (verdict.reason) {
			const away = Math.abs(stated - receivedAt) / 60_000;
			const size = away > 2_880 ? `${Math.round(away / 1_440)} days` : `${Math.round(away)} minutes`;
			const side = stated > receivedAt ? 'ahead' : 'behind';
			const outcome = verdict.kept ? 'always: its own time is kept' : 'the time was corrected to that of arrival';
			this.reject(verdict.reason, `the clock of ${machine.record.id} is ${size} ${side}; ${outcome}`);
		}
		return verdict.time;
	}

	#machineOf(place: MachinePlace): MachineState | undefined {
		const known = this.#machines.get(place.id);
		if (known) return known;
		if (this.#machines.size >= MAX_MACHINES) {
			this.reject('too-many-sensors', `more than ${MAX_MACHINES} machines; ${place.id} was left out`);
			return undefined;
		}
		const machine = this.#newMachine({
			id: place.id,
			path: place.path,
			origin: this.options.origin,
			firstSeen: this.#message.receivedAt
		});
		this.#machines.set(place.id, machine);
		this.commit.register(machine.record, undefined);
		return machine;
	}

	#sensorOf(machine: MachineState, rawName: string, unit: string | undefined): SensorState | undefined {
		let sensor = machine.sensors.get(rawName);
		if (!sensor) {
			if (machine.sensors.size >= MAX_SENSORS_PER_MACHINE) {
				this.reject(
					'too-many-sensors',
					`${machine.record.id} has more than ${MAX_SENSORS_PER_MACHINE} sensors; '${rawName}'`
				);
				return undefined;
			}
			const id = sensorIdOf(machine.record.id, rawName);
			const name = id.slice(id.lastIndexOf(':') + 1);
			const record: SensorRecord = {
				id,
				machineId: machine.record.id,
				name: name.startsWith('~') ? `_${name.slice(1)}` : name,
				...(unit !== undefined && { unit }),
				kind: guessKind(name, unit),
				firstSeen: this.#message.receivedAt
			};
			// A name with reserved characters is the same sensor as its cleaned form.
			sensor =
				machine.sensors.get(record.name) ??
				this.#newSensor({ ...record, id: sensorIdOf(machine.record.id, record.name) });
			machine.sensors.set(record.name, sensor);
			if (rawName !== record.name) machine.sensors.set(rawName, sensor);
			this.commit.register(undefined, sensor.record);
		} else if (unit !== undefined && sensor.record.unit === undefined) {
			const kind = sensor.record.kind === 'other' ? guessKind(sensor.record.name, unit) : sensor.record.kind;
			sensor.record = { ...sensor.record, unit, kind };
			this.commit.register(undefined, sensor.record);
		}
		return sensor;
	}

	#newMachine(record: MachineRecord): MachineState {
		return { record, sensors: new Map(), clock: new SourceClock(this.options.maxBehindMs) };
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
