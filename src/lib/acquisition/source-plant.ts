/**
 * Data Acquisition: the machines and sensors that a source speaks of, under the names that decoders give, and what they are stored as.
 *
 * In: places and sensor names as decoded, a person's mapping, the stored registry. Out: the stored machine or sensor behind each, found once and
 * then looked up; what is new or known better is registered. What is left out or too much is rejected with the reason.
 */
import {
	cleanLevel,
	sensorIdOf,
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
	type SourceMapping
} from '../contracts';
import { AppliedMapping, mappedName, type MappedMachine } from './mapping';
import type { MachinePlace, NumberedField, PresenceWord, SensorDescription } from './message';
import type { ReadingStore } from './ports';
import { guessKind } from './sensor-kind';
import { SourceClock } from './source-clock';

/** More sensors than any machine has: names with a counter or a date in them would otherwise fill the registry. */
export const MAX_SENSORS_PER_MACHINE = 2_000;
export const MAX_MACHINES = 250_000;
/** What is said of machines that have sent nothing yet is kept for this many of them. */
const MAX_AWAITED = 10_000;

/** A sensor as it is stored. */
export interface SensorState {
	readonly index: number;
	readonly id: SensorId;
	record: SensorRecord;
	/** What a person said of it: stronger than what the source says. */
	rule?: SensorRule;
}

/** A machine as it is stored. */
export interface MachineState {
	record: MachineRecord;
}

/** A machine as decoders name it, and what the mapping made of it and its sensors. Several may be one stored machine. */
export interface SourceMachine {
	readonly place: MachinePlace;
	/** Undefined: the mapping leaves it out. */
	machine: MachineState | undefined;
	/** By the name that decoders give; null: left out. */
	readonly sensors: Map<string, SensorState | null>;
	/** Sensors of the fields that its messages had last; `found` as long as nothing has changed since. */
	fields?: { readonly of: readonly NumberedField[]; readonly sensors: readonly SensorState[]; readonly found: number };
	readonly clock: SourceClock;
}

export interface SourcePlantOptions {
	readonly origin: MachineRecord['origin'];
	readonly mapping?: SourceMapping;
	readonly maxBehindMs?: number;
	/** Topic and arrival of the message that is being read. */
	readonly message: () => { readonly topic: string; readonly receivedAt: EpochMs };
	readonly register: (machine: MachineRecord | undefined, sensor: SensorRecord | undefined) => void;
	readonly reject: (reason: IntakeReason, message: string) => void;
}

export class SourcePlant {
	readonly #sources = new Map<MachineId, SourceMachine>();
	readonly #machines = new Map<MachineId, MachineState>();
	readonly #sensors = new Map<SensorId, SensorState>();
	/** Numbers of the series that waveforms leave behind: stored, but no sensors. */
	readonly #derived = new Map<SensorId, number>();
	/** What was said of machines before their first message. */
	readonly #awaited = new Map<MachineId, PresenceWord>();
	#mapping: AppliedMapping;
	#lastSource: SourceMachine | undefined;
	/** Sources to be found anew under a new mapping. */
	#remapped = new Set<MachineId>();
	#sensorCount = 0;
	/** Goes up when sensors may be others, or what is known of them. */
	#changes = 0;

	constructor(private readonly options: SourcePlantOptions) {
		this.#mapping = new AppliedMapping(options.mapping);
	}

	get mapping(): AppliedMapping {
		return this.#mapping;
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
		this.#changes++;
		for (const source of this.#sources.values()) {
			source.sensors.clear();
			source.machine = undefined;
		}
		// Clocks are of the source and stay; machine and sensors are found anew as messages come.
		this.#remapped = new Set(this.#sources.keys());
	}

	/** What a person or another tab changed in the registry: ranges and units. */
	learn(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		this.#changes++;
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

	describe(
		place: MachinePlace,
		machineClass: MachineClassId | undefined,
		sensors: ReadonlyMap<string, SensorDescription>,
		declared?: MachineDeclaration
	): void {
		const source = this.sourceOf(place);
		const machine = source?.machine;
		if (!machine) return;
		if (machineClass && machine.record.machineClass !== machineClass && !this.#classByPerson(place)) {
			machine.record = { ...machine.record, machineClass };
			this.options.register(machine.record, undefined);
		}
		if (declared && JSON.stringify(machine.record.declared) !== JSON.stringify(declared)) {
			machine.record = { ...machine.record, declared };
			this.options.register(machine.record, undefined);
		}
		for (const [name, said] of sensors) {
			const sensor = this.sensorOf(source, machine, name, said.unit);
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
		for (const id of said.within ? this.#within(place.id) : [place.id]) {
			const source = this.#sources.get(id);
			const machine = source ? source.machine : this.#machines.get(this.#mapping.machine(id, place.path).id);
			if (machine) this.setPresence(machine, said);
			else if (this.#awaited.size < MAX_AWAITED) this.#awaited.set(id, said);
		}
	}

	/** Undefined: one machine too many, said already. */
	sourceOf(place: MachinePlace): SourceMachine | undefined {
		// The values of a message come one after another.
		const last = this.#lastSource;
		if (last?.place === place && last.machine && this.#remapped.size === 0) return last;
		const source = this.#findSource(place);
		if (source?.place === place) this.#lastSource = source;
		return source;
	}

	/** One that was found before and is stored; nothing is said. */
	knownSource(place: MachinePlace): (SourceMachine & { machine: MachineState }) | undefined {
		const last = this.#lastSource;
		const source = last?.place === place ? last : this.#sources.get(place.id);
		return source?.machine && this.#remapped.size === 0
			? (source as SourceMachine & { machine: MachineState })
			: undefined;
	}

	#findSource(place: MachinePlace): SourceMachine | undefined {
		const known = this.#sources.get(place.id);
		if (known && !(this.#remapped.size > 0 && this.#remapped.delete(place.id))) {
			if (!known.machine) this.options.reject('ignored', `the mapping says to leave ${place.id} out`);
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
		if (!machine) this.options.reject('ignored', `the mapping says to leave ${place.id} out`);
		const said = this.#awaited.get(place.id);
		if (said && machine) {
			this.#awaited.delete(place.id);
			this.setPresence(machine, said);
		}
		return source;
	}

	#storedMachine({ id, path, rule }: MappedMachine, place: MachinePlace): MachineState | undefined {
		let machine = this.#machines.get(id);
		if (!machine) {
			if (this.#machines.size >= MAX_MACHINES) {
				this.options.reject('too-many-sensors', `more than ${MAX_MACHINES} machines; ${place.id} was left out`);
				return undefined;
			}
			machine = { record: { id, path, origin: this.options.origin, firstSeen: this.options.message().receivedAt } };
			this.#machines.set(id, machine);
			this.options.register(machine.record, undefined);
		}
		if (rule?.machineClass && machine.record.machineClass !== rule.machineClass) {
			machine.record = { ...machine.record, machineClass: rule.machineClass };
			this.options.register(machine.record, undefined);
		}
		return machine;
	}

	#classByPerson(place: MachinePlace): boolean {
		return this.#mapping.machine(place.id, place.path).rule?.machineClass !== undefined;
	}

	/** Undefined: left out, said already. */
	sensorOf(
		source: SourceMachine,
		machine: MachineState,
		rawName: string,
		unit: string | undefined
	): SensorState | undefined {
		let sensor = source.sensors.get(rawName);
		if (sensor === undefined) {
			if (source.sensors.size >= MAX_SENSORS_PER_MACHINE) {
				this.options.reject(
					'too-many-sensors',
					`${source.place.id} has more than ${MAX_SENSORS_PER_MACHINE} sensors; '${rawName}'`
				);
				return undefined;
			}
			sensor = this.#storedSensor(source, machine, rawName, unit);
			source.sensors.set(rawName, sensor);
		}
		if (sensor === null) {
			this.options.reject('ignored', `the mapping says to leave '${rawName}' of ${source.place.id} out`);
			return undefined;
		}
		if (unit !== undefined && sensor.record.unit === undefined) {
			const kind = sensor.record.kind === 'other' ? guessKind(sensor.record.name, unit) : sensor.record.kind;
			this.#update(sensor, { ...sensor.record, unit, kind });
		}
		return sensor;
	}

	/** The sensors of a message's fields; undefined where one is not known yet or left out. */
	sensorsOf(source: SourceMachine, fields: readonly NumberedField[]): readonly SensorState[] | undefined {
		const last = source.fields;
		if (last?.of === fields && last.found === this.#changes) return last.sensors;
		const sensors: SensorState[] = [];
		for (const { name, extras } of fields) {
			const sensor = source.sensors.get(name);
			if (!sensor || (extras?.unit !== undefined && sensor.record.unit === undefined)) return undefined;
			sensors.push(sensor);
		}
		source.fields = { of: fields, sensors, found: this.#changes };
		return sensors;
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
		const rule = this.#mapping.sensor(this.options.message().topic, source.place.id, plain);
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
				firstSeen: this.options.message().receivedAt,
				...(address !== id && !address.includes(':~') && { source: address })
			});
		if (rule) sensor.rule = rule;
		if (!known) {
			this.#sensors.set(id, sensor);
			this.options.register(undefined, sensor.record);
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
		this.options.register(undefined, next);
	}

	/** Number of a series that a waveform leaves behind. */
	derivedIndex(id: SensorId): number {
		let index = this.#derived.get(id);
		if (index === undefined) this.#derived.set(id, (index = this.#sensorCount++));
		return index;
	}

	/** Who sends is there, whatever was said before. */
	hearFrom(machine: MachineState): void {
		if (machine.record.presence?.online === false)
			this.setPresence(machine, { online: true, reason: 'it sends again' });
	}

	setPresence(machine: MachineState, { online, reason }: PresenceWord): void {
		const before = machine.record.presence;
		if (before ? before.online === online : online) return;
		const presence: Presence = { online, since: this.options.message().receivedAt, reason };
		machine.record = { ...machine.record, presence };
		this.options.register(machine.record, undefined);
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

function sameSensor(a: SensorRecord, b: SensorRecord): boolean {
	return (
		a.unit === b.unit &&
		a.kind === b.kind &&
		a.resolution === b.resolution &&
		a.validRange?.[0] === b.validRange?.[0] &&
		a.validRange?.[1] === b.validRange?.[1]
	);
}
