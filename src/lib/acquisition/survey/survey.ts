/**
 * Data Acquisition, survey: what would come of the messages heard, without storing anything.
 *
 * In: messages, and what a person says of topic levels. Out: a `SourceSurvey`. Keeps the newest messages of each topic, so that
 * machines, sensors and their real values can be shown again when the meaning of levels changes.
 */
import {
	cleanLevel,
	Quality,
	type IntakeExample,
	type IntakeReason,
	type LinkStatus,
	type MachineId,
	type SourceSurvey,
	type SurveyMachine,
	type SurveySensor
} from '../../contracts';
import { Decoder } from '../decode/decoder';
import type { LevelRule } from '../decode/topics';
import { describePayload } from '../intake-tally';
import type { DecodeSink, IncomingMessage, MachinePlace, SensorDescription } from '../message';
import { guessKind } from '../sensor-kind';
import { groupTopics, type HeardTopic } from './topic-groups';

export const MAX_TOPICS = 20_000;
const MAX_SENSORS = 60_000;
const KEPT_PER_TOPIC = 32;
/** Kept messages of all topics together; past it only the newest two of each topic are kept. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

type Changing<T> = { -readonly [K in keyof T]: T[K] };
type Machine = Changing<Omit<SurveyMachine, 'filter'>> & { readonly topic: string };
type Sensor = Changing<Omit<SurveySensor, 'filter'>>;

interface TopicRecord extends HeardTopic {
	dialect: string;
	levelsAreFree: boolean;
	isSingleValue: boolean;
	/** Nothing but "online" and "offline", or a description: no group of its own. */
	carriesValues: boolean;
	readonly kept: IncomingMessage[];
}

export class Survey implements DecodeSink {
	readonly #decoder = new Decoder();
	readonly #topics = new Map<string, TopicRecord>();
	readonly #machines = new Map<MachineId, Machine>();
	readonly #sensors = new Map<string, Sensor>();
	readonly #refused = new Map<IntakeReason, { count: number; last: IntakeExample }>();
	#rules: readonly LevelRule[];
	#keptBytes = 0;
	#message: IncomingMessage = { topic: '', payload: new Uint8Array(), retain: false, receivedAt: 0 };
	#current: TopicRecord | undefined;
	#valuesInMessage = 0;
	#named = false;
	#repeating = false;
	messages = 0;
	beyond = 0;
	listenedMs = 0;

	/** `ask`: publishes for the decoders (a rebirth request). */
	constructor(
		rules: readonly LevelRule[] = [],
		private readonly publish: (topic: string, payload: Uint8Array) => void = () => undefined
	) {
		this.#rules = rules;
		this.#decoder.setLevelRules(rules);
	}

	get topics(): number {
		return this.#topics.size;
	}
	get machines(): number {
		return this.#machines.size;
	}
	get sensors(): number {
		return this.#sensors.size;
	}

	/** Takes one message; its payload may be a view that changes afterwards. */
	take(message: IncomingMessage): void {
		this.messages++;
		let record = this.#topics.get(message.topic);
		if (!record) {
			if (this.#topics.size >= MAX_TOPICS) return void this.beyond++;
			record = {
				topic: message.topic,
				dialect: 'not understood',
				levelsAreFree: false,
				isSingleValue: false,
				carriesValues: false,
				messages: 0,
				kept: []
			};
			this.#topics.set(message.topic, record);
		}
		record.messages++;
		this.#decode(record, message);
		if (record.levelsAreFree) this.#keep(record, { ...message, payload: message.payload.slice() });
	}

	/** Shows the same messages under other rules. */
	revise(rules: readonly LevelRule[]): void {
		this.#rules = rules;
		this.#decoder.setLevelRules(rules);
		const isFree = (topic: string) => this.#topics.get(topic)?.levelsAreFree ?? false;
		for (const [key, { topic }] of this.#sensors) if (isFree(topic)) this.#sensors.delete(key);
		for (const [key, { topic }] of this.#machines) if (isFree(topic)) this.#machines.delete(key);
		this.#repeating = true;
		for (const record of this.#topics.values()) for (const message of record.kept) this.#decode(record, message);
		this.#repeating = false;
	}

	/** The proposal. Levels that their words explain better than their position get a rule of their own. */
	result(link: LinkStatus): SourceSurvey {
		let grouped = this.#group();
		const improved = grouped.groups.flatMap(({ filter, levels, recognised }) =>
			levels && !recognised && !this.#rules.some((rule) => rule.filter === filter)
				? [{ filter, levels: levels.map(({ role }) => role) }]
				: []
		);
		if (improved.length > 0) {
			this.revise([...this.#rules, ...improved]);
			grouped = this.#group();
		}
		const filterOf = (topic: string) => grouped.filterOf.get(topic) ?? topic;
		return {
			link,
			listenedMs: this.listenedMs,
			messages: this.messages,
			topics: this.#topics.size,
			beyond: this.beyond,
			groups: grouped.groups,
			machines: [...this.#machines.values()].map(({ topic, ...machine }) => ({ ...machine, filter: filterOf(topic) })),
			sensors: [...this.#sensors.values()].map((sensor) => ({ ...sensor, filter: filterOf(sensor.topic) })),
			refused: [...this.#refused].map(([reason, { count, last }]) => ({ reason, count, last }))
		};
	}

	dialects(): { title: string; messages: number }[] {
		const counts = new Map<string, number>();
		for (const { dialect, messages } of this.#topics.values())
			counts.set(dialect, (counts.get(dialect) ?? 0) + messages);
		return [...counts].map(([title, messages]) => ({ title, messages })).sort((a, b) => b.messages - a.messages);
	}

	#group() {
		return groupTopics(
			[...this.#topics.values()].filter(({ carriesValues }) => carriesValues),
			this.#rules
		);
	}

	#decode(record: TopicRecord, message: IncomingMessage): void {
		this.#message = message;
		this.#current = record;
		this.#valuesInMessage = 0;
		this.#decoder.decode(message, this);
		// One value whose name is the topic's last level: the topic names the sensor.
		if (this.#valuesInMessage > 0) record.isSingleValue = this.#named;
		const { lastDialect, lastPacking } = this.#decoder;
		if (!lastDialect) return;
		record.dialect = lastPacking ? `${lastDialect.title} in ${lastPacking}` : lastDialect.title;
		record.levelsAreFree = lastDialect.levelsAreFree;
	}

	#keep(record: TopicRecord, message: IncomingMessage): void {
		record.kept.push(message);
		this.#keptBytes += message.payload.length;
		const most = this.#keptBytes > MAX_KEPT_BYTES ? 2 : KEPT_PER_TOPIC;
		while (record.kept.length > most) this.#keptBytes -= record.kept.shift()!.payload.length;
	}

	value: DecodeSink['value'] = (place, rawName, value, time, extras) => {
		const { topic, retain, receivedAt } = this.#message;
		const record = this.#current!;
		record.carriesValues = true;
		this.#machineOf(place);
		const sensor = this.#sensorOf(place, cleanLevel(rawName), extras?.unit);
		if (!sensor) return;
		this.#named = ++this.#valuesInMessage === 1 && topic.endsWith(`/${rawName}`);
		sensor.values++;
		sensor.min = Math.min(sensor.min, value);
		sensor.max = Math.max(sensor.max, value);
		const at = time ?? receivedAt;
		if (!sensor.last || at >= sensor.last.time || sensor.last.retained)
			sensor.last = { value, time: at, quality: extras?.quality ?? Quality.good, retained: retain };
		if (sensor.kind === 'other' && looksBinary(sensor)) sensor.kind = 'state';
		else if (sensor.kind === 'state' && !looksBinary(sensor)) sensor.kind = guessKind(sensor.sensor, sensor.unit);
	};

	/** A channel is listed for its name and unit; its samples are no value to show. */
	waveform: DecodeSink['waveform'] = (place, channel, _time, { unit }) => {
		this.#current!.carriesValues = true;
		this.#machineOf(place);
		this.#describeSensor(place, channel, { kind: 'vibration', ...(unit && { unit }) });
	};

	describe: DecodeSink['describe'] = (place, machineClass, sensors) => {
		const machine = this.#machineOf(place);
		if (machineClass) machine.machineClass = machineClass;
		for (const [name, said] of sensors) this.#describeSensor(place, name, said);
	};

	presence: DecodeSink['presence'] = (place, { online, reason, within }) => {
		for (const machine of this.#machines.values())
			if (machine.source === place.id || (within && machine.source.startsWith(`${place.id}/`)))
				machine.offline = online ? undefined : reason;
	};

	reject: DecodeSink['reject'] = (reason, message) => {
		if (this.#repeating) return;
		const { topic, payload, receivedAt } = this.#message;
		const known = this.#refused.get(reason);
		const last = { topic, payload: describePayload(payload), at: receivedAt, message };
		this.#refused.set(reason, { count: (known?.count ?? 0) + 1, last });
	};

	understood: DecodeSink['understood'] = () => undefined;

	ask: DecodeSink['ask'] = (topic, payload) => {
		if (!this.#repeating) this.publish(topic, payload);
	};

	hold: DecodeSink['hold'] = () => false;

	release: DecodeSink['release'] = () => undefined;

	#machineOf(place: MachinePlace): Machine {
		const known = this.#machines.get(place.id);
		if (known) return known;
		const machine: Machine = { source: place.id, path: place.path, topic: this.#message.topic };
		this.#machines.set(place.id, machine);
		return machine;
	}

	#describeSensor(place: MachinePlace, name: string, said: SensorDescription): void {
		const sensor = this.#sensorOf(place, cleanLevel(name), said.unit);
		if (!sensor) return;
		if (said.unit) sensor.unit = said.unit;
		if (said.kind) sensor.kind = said.kind;
		else if (sensor.kind === 'other') sensor.kind = guessKind(name, said.unit);
		if (said.range) sensor.range = said.range;
	}

	#sensorOf(place: MachinePlace, name: string, unit: string | undefined): Sensor | undefined {
		const key = `${place.id}:${name}`;
		let sensor = this.#sensors.get(key);
		if (!sensor) {
			if (this.#sensors.size >= MAX_SENSORS) return undefined;
			sensor = {
				machine: place.id,
				sensor: name,
				topic: this.#message.topic,
				...(unit && { unit }),
				kind: guessKind(name, unit),
				min: Infinity,
				max: -Infinity,
				values: 0
			};
			this.#sensors.set(key, sensor);
		} else if (unit && sensor.unit === undefined) {
			sensor.unit = unit;
			if (sensor.kind === 'other') sensor.kind = guessKind(name, unit);
		}
		return sensor;
	}
}

/** Never anything but 0 and 1, and not just one zero: a switch or a state. */
function looksBinary({ min, max, values }: { min: number; max: number; values: number }): boolean {
	return values > 2 && min === 0 && max === 1;
}
