/**
 * Data Acquisition, decoding: which machine and which sensor a topic names (ISA-95 / Unified Namespace).
 *
 * In: a topic, and the levels a person set, if any. Out: the machine when the payload holds several values, and machine
 * plus sensor when it holds one. Missing levels are fine: "pump-1", "line-2/pump-1", "acme/rotterdam/utilities/line-2/pump-1".
 */
import {
	cleanLevel,
	filterTakes,
	isDerivedSeries,
	machineIdOf,
	type AssetPath,
	type TopicLevelRole
} from '../../contracts';
import type { MachinePlace } from '../message';

/** What a person said of the levels of the topics that a filter takes. */
export interface LevelRule {
	readonly filter: string;
	readonly levels: readonly TopicLevelRole[];
}

export interface TopicPlaces {
	/** The machine if the payload carries its values by name. */
	readonly machine?: MachinePlace;
	/** Machine and sensor if the payload is one value. */
	readonly sensor?: { readonly machine: MachinePlace; readonly name: string };
}

/** Last levels that say what kind of message it is, not which machine. */
export const SUFFIXES: ReadonlySet<string> = new Set([
	'telemetry',
	'data',
	'values',
	'value',
	'json',
	'measurements',
	'measurement',
	'sensors',
	'readings',
	'state',
	'status',
	'events',
	'payload',
	'raw',
	'_meta'
]);

export function placeOf(path: AssetPath): MachinePlace {
	return { id: machineIdOf(path), path };
}

/**
 * Levels outermost first, the machine last. One: the machine. Two: plant and machine. Three: plant, area, machine. Four: plant,
 * area, line, machine. More (enterprise, site, ..., cell): the outer ones together are the plant.
 */
export function pathOfLevels(levels: readonly string[]): AssetPath | undefined {
	const clean = levels.filter((level) => level.trim() !== '').map(cleanLevel);
	const machine = clean.pop();
	if (machine === undefined) return undefined;
	if (clean.length <= 3) {
		const [plant, area, line] = clean;
		return { ...(plant && { plant }), ...(area && { area }), ...(line && { line }), machine };
	}
	const line = clean.pop();
	const area = clean.pop();
	return { plant: clean.join('.'), area, line, machine };
}

/** The levels of a place, outermost first; none without one. */
export function levelsOf(place: MachinePlace | undefined): string[] {
	if (!place) return [];
	const { plant, area, line, machine } = place.path;
	return [plant, area, line, machine].filter((level) => level !== undefined);
}

/** The same levels as a place; undefined where none names a machine. */
export function placeOfLevels(levels: readonly string[]): MachinePlace | undefined {
	const path = pathOfLevels(levels);
	return path && placeOf(path);
}

/** A device that a gateway names: "Rotterdam/Pump 3" keeps its levels, a bare name stands under the gateway. */
export function placeOfDevice(name: unknown, gateway: string): MachinePlace | undefined {
	if (typeof name !== 'string') return undefined;
	const levels = name.split('/').filter((level) => level.trim() !== '');
	return placeOfLevels(levels.length === 1 ? [gateway, ...levels] : levels);
}

/** A name that would be a derived series' gets another first letter. */
export function sensorNameOf(name: string): string {
	const clean = cleanLevel(name);
	return isDerivedSeries(clean) ? `_${clean.slice(1)}` : clean;
}

export function resolveTopic(topic: string, topicLevels?: readonly TopicLevelRole[]): TopicPlaces {
	const all = topic.split('/');
	const levels = all.filter((level) => level.trim() !== '');
	if (levels.length === 0 || topic.startsWith('$')) return {};
	// A person counts levels as they see them, an empty first one included.
	if (topicLevels && topicLevels.length > 0) return resolveBySetting(all, topicLevels);

	const isSuffix = (level: string | undefined) => level !== undefined && SUFFIXES.has(level.toLowerCase());
	const trimmed = levels.length > 1 && isSuffix(levels.at(-1)) ? levels.slice(0, -1) : levels;
	const machinePath = pathOfLevels(trimmed);
	const result: { machine?: MachinePlace; sensor?: TopicPlaces['sensor'] } = {};
	if (machinePath) result.machine = placeOf(machinePath);

	const owner = trimmed.slice(0, -1);
	const ownerPath = pathOfLevels(owner.length > 1 && isSuffix(owner.at(-1)) ? owner.slice(0, -1) : owner);
	const name = trimmed.at(-1)!;
	// A lone level is a machine with one value.
	if (ownerPath) result.sensor = { machine: placeOf(ownerPath), name: sensorNameOf(name) };
	else if (machinePath) result.sensor = { machine: placeOf(machinePath), name: 'value' };
	return result;
}

/** Where a role's level goes in the path. */
const PLACE_OF_ROLE = {
	enterprise: 'plant',
	plant: 'plant',
	area: 'area',
	line: 'line',
	cell: 'line',
	machine: 'machine'
} as const satisfies Partial<Record<TopicLevelRole, keyof AssetPath>>;

function resolveBySetting(levels: readonly string[], setting: readonly TopicLevelRole[]): TopicPlaces {
	const named: { plant?: string; area?: string; line?: string; machine?: string } = {};
	const sensor: string[] = [];
	for (const [index, level] of levels.entries()) {
		if (level.trim() === '') continue;
		// Levels beyond the setting belong to its last entry: ".../sensor" takes "motor/temperature" as one name.
		const role = setting[Math.min(index, setting.length - 1)]!;
		if (role === 'skip') continue;
		if (role === 'sensor' || (index >= setting.length && role === 'machine')) sensor.push(level);
		else {
			const place = PLACE_OF_ROLE[role];
			named[place] = named[place] === undefined ? cleanLevel(level) : `${named[place]}.${cleanLevel(level)}`;
		}
	}
	const { plant, area, line, machine: name } = named;
	if (name === undefined) return {};
	const machine = placeOf({ ...(plant && { plant }), ...(area && { area }), ...(line && { line }), machine: name });
	return { machine, sensor: { machine, name: sensor.length > 0 ? sensorNameOf(sensor.join('.')) : 'value' } };
}

/** Topics repeat: each is resolved once. Bounded, since a hostile source can invent topics without end. */
export class TopicCache {
	readonly #places = new Map<string, TopicPlaces>();
	#rules: readonly LevelRule[];

	constructor(
		rules: readonly LevelRule[] = [],
		private readonly capacity = 200_000
	) {
		this.#rules = rules;
	}

	/** Other rules from now on. */
	setRules(rules: readonly LevelRule[]): void {
		this.#rules = rules;
		this.#places.clear();
	}

	resolve(topic: string): TopicPlaces {
		let places = this.#places.get(topic);
		if (!places) {
			places = resolveTopic(topic, this.#ruleFor(topic)?.levels);
			if (this.#places.size >= this.capacity) this.#places.clear();
			this.#places.set(topic, places);
		}
		return places;
	}

	/**
	 * The machine of a topic that stands beside its data, such as `<machine>/status`: by the rule for such topics, else what is left
	 * without the last level.
	 */
	resolveBeside(topic: string): MachinePlace | undefined {
		const cut = topic.lastIndexOf('/');
		return this.resolve(cut < 1 || this.#ruleFor(topic) ? topic : topic.slice(0, cut)).machine;
	}

	#ruleFor(topic: string): LevelRule | undefined {
		return this.#rules.find(({ filter }) => filterTakes(filter, topic));
	}
}
