/**
 * Data Acquisition: a person's mapping, made ready for looking up.
 *
 * In: a `SourceMapping`. Out: level rules for the topic decoder, and for a machine or sensor as decoders name it what the person
 * made of it. The rule for one machine comes before the rule for a topic group, that before a rule for every topic.
 */
import {
	cleanPath,
	filterTakes,
	machineIdOf,
	type AssetPath,
	type MachineId,
	type MachineRule,
	type SensorRule,
	type SourceMapping
} from '../contracts';
import { sensorNameOf, type LevelRule } from './decode/topics';

export interface MappedMachine {
	readonly id: MachineId;
	readonly path: AssetPath;
	readonly rule?: MachineRule;
}

export class AppliedMapping {
	readonly levelRules: readonly LevelRule[];
	readonly #ignoring: readonly string[];
	readonly #machines: ReadonlyMap<string, MachineRule>;
	/** By machine and sensor name. */
	readonly #ofMachine = new Map<string, SensorRule>();
	/** By sensor name, those with a filter first. */
	readonly #ofTopics = new Map<string, SensorRule[]>();
	readonly #ignoredTopics = new Map<string, boolean>();

	constructor(mapping?: SourceMapping) {
		this.levelRules = (mapping?.groups ?? []).flatMap(({ filter, levels }) => (levels ? [{ filter, levels }] : []));
		this.#ignoring = (mapping?.groups ?? []).filter(({ ignored }) => ignored).map(({ filter }) => filter);
		this.#machines = new Map((mapping?.machines ?? []).map((rule) => [rule.source, rule]));
		for (const rule of mapping?.sensors ?? []) {
			if (rule.machine !== undefined) {
				this.#ofMachine.set(`${rule.machine}:${rule.sensor}`, rule);
				continue;
			}
			const rules = this.#ofTopics.get(rule.sensor) ?? [];
			this.#ofTopics.set(rule.sensor, rule.filter === undefined ? [...rules, rule] : [rule, ...rules]);
		}
	}

	/** Whether a whole topic is left out. */
	ignores(topic: string): boolean {
		if (this.#ignoring.length === 0) return false;
		let ignored = this.#ignoredTopics.get(topic);
		if (ignored === undefined) {
			ignored = this.#ignoring.some((filter) => filterTakes(filter, topic));
			// Bounded, since a hostile source can invent topics without end.
			if (this.#ignoredTopics.size >= 200_000) this.#ignoredTopics.clear();
			this.#ignoredTopics.set(topic, ignored);
		}
		return ignored;
	}

	machine(source: MachineId, path: AssetPath): MappedMachine {
		const rule = this.#machines.get(source);
		if (!rule?.path) return { id: source, path, ...(rule && { rule }) };
		const mapped = cleanPath(rule.path);
		return { id: machineIdOf(mapped), path: mapped, rule };
	}

	sensor(topic: string, source: MachineId, name: string): SensorRule | undefined {
		return (
			this.#ofMachine.get(`${source}:${name}`) ??
			this.#ofTopics.get(name)?.find(({ filter }) => filter === undefined || filterTakes(filter, topic))
		);
	}

	/** Machines of the mapping whose source lies within a place: what a death certificate may speak of before they are heard. */
	sourcesWithin(place: MachineId): MachineId[] {
		return [...this.#machines.keys()].filter((source) => source.startsWith(`${place}/`));
	}
}

/** The sensor's name after mapping. */
export function mappedName(rule: SensorRule | undefined, name: string): string {
	return sensorNameOf(rule?.name ?? name);
}
