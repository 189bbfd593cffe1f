/**
 * State, pure: a mapping as a person edits it, before anything of it is stored.
 *
 * In: what was heard (a `SourceSurvey`, or what is stored already in that form) and the mapping there is. Out: a draft in which sensors of
 * one name in one topic group are one line, machines are edited one by one, and the mapping that comes of it once nothing stands in
 * the way. The draft is replaced at each edit, never changed.
 */
import {
	cleanLevel,
	cleanPath,
	emptyMapping,
	machineIdOf,
	type AssetPath,
	type MachineClassId,
	type MachineId,
	type SensorKind,
	type SensorRule,
	type SourceMapping,
	type SourceSurvey,
	type SurveySensor,
	type TopicGroup,
	type TopicLevelRole
} from '$lib/contracts';

/** What a person says when a quantity has no unit: a count, a ratio, a state. */
export const NO_UNIT = '1';

/** What can be said of a sensor, whether of all that share its name or of one. */
export interface SensorEdit {
	readonly name: string;
	/** Empty: not known. */
	readonly unit: string;
	readonly kind: SensorKind;
	readonly ignored: boolean;
}

/** Sensors of one name: in one topic group where that is known, else wherever they were found. */
export interface SensorLine extends SensorEdit {
	readonly key: string;
	/** Undefined: topics are not known. */
	readonly filter?: string;
	/** Name as decoders give it. */
	readonly sensor: string;
	readonly found: readonly SurveySensor[];
	/** Units that sources state, if any. */
	readonly statedUnits: readonly string[];
	readonly guessedKind: SensorKind;
	readonly min: number;
	readonly max: number;
}

export interface MachineLine {
	readonly source: MachineId;
	readonly proposed: AssetPath;
	readonly path: AssetPath;
	readonly filter: string;
	readonly machineClass?: MachineClassId;
	readonly offline?: string;
	readonly ignored: boolean;
}

export interface GroupLine {
	readonly group: TopicGroup;
	readonly ignored: boolean;
	/** Set by a person, now or before. */
	readonly levels?: readonly TopicLevelRole[];
}

export interface MappingDraft {
	readonly groups: readonly GroupLine[];
	readonly machines: ReadonlyMap<MachineId, MachineLine>;
	readonly lines: ReadonlyMap<string, SensorLine>;
	/** What differs for one machine's sensor, by `address`. */
	readonly single: ReadonlyMap<string, Partial<SensorEdit>>;
	readonly sensors: readonly SurveySensor[];
}

export const address = (machine: MachineId, sensor: string): string => `${machine}:${sensor}`;

/** `byGroup`: lines are per topic group; otherwise (no topics known) per name. */
export function draftOf(survey: SourceSurvey, mapping: SourceMapping = emptyMapping, byGroup = true): MappingDraft {
	const ignoredFilters = new Set(mapping.groups.filter(({ ignored }) => ignored).map(({ filter }) => filter));
	const levelsOf = new Map(mapping.groups.flatMap(({ filter, levels }) => (levels ? [[filter, levels] as const] : [])));
	const machineRules = new Map(mapping.machines.map((rule) => [rule.source, rule]));
	const single = new Map<string, Partial<SensorEdit>>();
	const general = new Map<string, SensorRule>();
	for (const rule of mapping.sensors)
		if (rule.machine === undefined) general.set(lineKey(rule.filter, rule.sensor), rule);
		else if (byGroup) single.set(address(rule.machine, rule.sensor), editOf(rule));

	const found = new Map<string, SurveySensor[]>();
	for (const sensor of survey.sensors) {
		const key = lineKey(byGroup ? sensor.filter : undefined, sensor.sensor);
		const list = found.get(key);
		if (list) list.push(sensor);
		else found.set(key, [sensor]);
	}
	const lines = new Map<string, SensorLine>();
	for (const [key, list] of found) {
		const [first] = list;
		const filter = byGroup ? first!.filter : undefined;
		const statedUnits = [...new Set(list.flatMap(({ unit }) => (unit ? [unit] : [])))];
		const guessedKind = first!.kind;
		// What is stored already is as the mapping made it.
		const rule = byGroup ? (general.get(key) ?? general.get(lineKey(undefined, first!.sensor))) : undefined;
		lines.set(key, {
			key,
			...(filter !== undefined && { filter }),
			sensor: first!.sensor,
			found: list,
			statedUnits,
			guessedKind,
			min: Math.min(...list.slice(0, 10_000).map(({ min }) => min)),
			max: Math.max(...list.slice(0, 10_000).map(({ max }) => max)),
			name: first!.name ?? first!.sensor,
			unit: list.every(({ unit }) => unit) && statedUnits.length === 1 ? statedUnits[0]! : '',
			kind: guessedKind,
			ignored: false,
			...(rule && editOf(rule))
		});
		if (!byGroup)
			for (const { machine, sensor, name = sensor, kind } of list)
				if (name !== lines.get(key)!.name || kind !== guessedKind) single.set(address(machine, sensor), { name, kind });
	}
	return {
		groups: survey.groups.map((group) => {
			const levels =
				levelsOf.get(group.filter) ?? (group.recognised ? undefined : group.levels?.map(({ role }) => role));
			return { group, ignored: ignoredFilters.has(group.filter), ...(levels && { levels }) };
		}),
		machines: new Map(
			survey.machines.map((machine) => {
				const rule = machineRules.get(machine.source);
				const machineClass = rule?.machineClass ?? machine.machineClass;
				return [
					machine.source,
					{
						source: machine.source,
						proposed: machine.path,
						path: (byGroup ? rule?.path : undefined) ?? machine.path,
						filter: machine.filter,
						...(machineClass && { machineClass }),
						...(machine.offline && { offline: machine.offline }),
						ignored: rule?.ignored ?? false
					}
				] as const;
			})
		),
		lines,
		single,
		sensors: survey.sensors
	};
}

const lineKey = (filter: string | undefined, sensor: string) => `${filter ?? ''}\n${sensor}`;

function editOf({ name, unit, kind, ignored }: SensorRule): Partial<SensorEdit> {
	return { ...(name && { name }), ...(unit && { unit }), ...(kind && { kind }), ...(ignored && { ignored }) };
}

export function lineOf(draft: MappingDraft, sensor: SurveySensor): SensorLine {
	return draft.lines.get(lineKey(sensor.filter, sensor.sensor)) ?? draft.lines.get(lineKey(undefined, sensor.sensor))!;
}

/** What one machine's sensor comes to: what is said of it alone before what is said of all of its name. */
export function sensorEdit(draft: MappingDraft, sensor: SurveySensor): SensorEdit {
	const { name, unit, kind, ignored } = lineOf(draft, sensor);
	// Where sources differ, each keeps the unit that it states.
	const own = unit === '' && sensor.unit ? sensor.unit : unit;
	return { name, unit: own, kind, ignored, ...draft.single.get(address(sensor.machine, sensor.sensor)) };
}

export function withLine(draft: MappingDraft, key: string, change: Partial<SensorEdit>): MappingDraft {
	const line = draft.lines.get(key);
	return line ? { ...draft, lines: new Map(draft.lines).set(key, { ...line, ...change }) } : draft;
}

export function withSingle(draft: MappingDraft, sensor: SurveySensor, change: Partial<SensorEdit>): MappingDraft {
	const key = address(sensor.machine, sensor.sensor);
	return { ...draft, single: new Map(draft.single).set(key, { ...draft.single.get(key), ...change }) };
}

export function withMachine(draft: MappingDraft, source: MachineId, change: Partial<MachineLine>): MappingDraft {
	const line = draft.machines.get(source);
	return line ? { ...draft, machines: new Map(draft.machines).set(source, { ...line, ...change }) } : draft;
}

export function withGroup(draft: MappingDraft, filter: string, change: Partial<GroupLine>): MappingDraft {
	return {
		...draft,
		groups: draft.groups.map((line) => (line.group.filter === filter ? { ...line, ...change } : line))
	};
}

/** Makes `source` part of the machine that `into` is; its sensors whose names are taken there get its own name in front. */
export function mergeMachines(draft: MappingDraft, source: MachineId, into: MachineId): MappingDraft {
	const target = draft.machines.get(into);
	const merged = draft.machines.get(source);
	if (!target || !merged || source === into) return draft;
	const id = machineIdOf(target.path);
	const taken = new Set(
		draft.sensors
			.filter(({ machine }) => machine !== source && idOf(draft, machine) === id)
			.map((sensor) => cleanLevel(sensorEdit(draft, sensor).name))
	);
	let next = withMachine(draft, source, { path: target.path, ignored: false });
	for (const sensor of draft.sensors) {
		if (sensor.machine !== source) continue;
		const { name } = sensorEdit(draft, sensor);
		if (taken.has(cleanLevel(name))) next = withSingle(next, sensor, { name: `${merged.path.machine} ${name}` });
	}
	return next;
}

const idOf = (draft: MappingDraft, source: MachineId) => {
	const line = draft.machines.get(source);
	return line && line.path.machine.trim() !== '' ? machineIdOf(cleanPath(line.path)) : source;
};

export interface DraftSummary {
	readonly machines: number;
	readonly sensors: number;
	/** Taken sensors that nobody has said a unit of. */
	readonly withoutUnit: number;
	readonly linesWithoutUnit: number;
	/** What stands in the way of accepting, each in words. */
	readonly errors: readonly string[];
}

export function summarise(draft: MappingDraft): DraftSummary {
	const ignoredFilters = new Set(draft.groups.filter(({ ignored }) => ignored).map(({ group }) => group.filter));
	const errors: string[] = [];
	const machines = new Set<MachineId>();
	const named = new Map<string, SurveySensor>();
	let sensors = 0;
	let withoutUnit = 0;
	const lines = new Set<string>();
	for (const { source, path, ignored, filter } of draft.machines.values()) {
		if (ignored || ignoredFilters.has(filter)) continue;
		if (path.machine.trim() === '') errors.push(`The machine heard as ${source} needs a name.`);
		machines.add(idOf(draft, source));
	}
	for (const sensor of draft.sensors) {
		if (ignoredFilters.has(sensor.filter) || draft.machines.get(sensor.machine)?.ignored) continue;
		const edit = sensorEdit(draft, sensor);
		if (edit.ignored) continue;
		sensors++;
		if (lacksUnit(edit)) {
			withoutUnit++;
			lines.add(lineOf(draft, sensor).key);
		}
		if (edit.name.trim() === '') errors.push(`The sensor heard as ${sensor.sensor} needs a name.`);
		const id = idOf(draft, sensor.machine);
		const key = address(id, cleanLevel(edit.name));
		const other = named.get(key);
		if (other)
			errors.push(
				`Two sensors of ${id} would both be called ${edit.name}: ${address(other.machine, other.sensor)} and ${address(sensor.machine, sensor.sensor)}. Give one of them another name.`
			);
		else named.set(key, sensor);
	}
	return { machines: machines.size, sensors, withoutUnit, linesWithoutUnit: lines.size, errors: [...new Set(errors)] };
}

/** States and positions of switches have no unit; everything else is asked for. */
export function lacksUnit({ unit, kind }: Pick<SensorEdit, 'unit' | 'kind'>): boolean {
	return unit === '' && kind !== 'state';
}

/** The mapping the draft stands for, with what `base` says of topics, machines and sensors that were not heard now. */
export function mappingOf(draft: MappingDraft, base: SourceMapping = emptyMapping): SourceMapping {
	const groups = draft.groups
		.filter(({ levels, ignored }) => levels || ignored)
		.map(({ group, levels, ignored }) => ({
			filter: group.filter,
			...(levels && { levels: [...levels] }),
			...(ignored && { ignored })
		}));
	const machines = [...draft.machines.values()].map(({ source, proposed, path, machineClass, ignored }) => ({
		source,
		...(machineIdOf(cleanPath(path)) !== machineIdOf(cleanPath(proposed)) && { path: cleanPath(path) }),
		...(machineClass && { machineClass }),
		...(ignored && { ignored })
	}));
	const sensors: SensorRule[] = [];
	for (const line of draft.lines.values())
		sensors.push({ ...(line.filter !== undefined && { filter: line.filter }), ...ruleOf(line, line) });
	for (const sensor of draft.sensors) {
		const own = draft.single.get(address(sensor.machine, sensor.sensor));
		if (!own) continue;
		const line = lineOf(draft, sensor);
		sensors.push({ machine: sensor.machine, ...ruleOf({ ...line, ...own }, line) });
	}
	return mergeMappings(base, { ...emptyMapping, groups, machines, sensors });
}

function ruleOf(edit: SensorEdit, line: SensorLine): SensorRule {
	const unit = edit.unit.trim();
	const isStated = line.statedUnits.length === 1 && line.statedUnits[0] === unit && line.found.every((s) => s.unit);
	return {
		sensor: line.sensor,
		...(edit.name.trim() !== line.sensor && { name: cleanLevel(edit.name) }),
		// What all sources state themselves needs no rule.
		...(unit !== '' && !isStated && { unit }),
		...(edit.kind !== line.guessedKind && { kind: edit.kind }),
		...(edit.ignored && { ignored: true })
	};
}

/** What `next` says replaces what `base` says of the same; the rest of `base` stays. */
export function mergeMappings(base: SourceMapping, next: SourceMapping): SourceMapping {
	const merge = <T>(old: readonly T[], fresh: readonly T[], keyOf: (rule: T) => string) => {
		const keyed = new Map(old.map((rule) => [keyOf(rule), rule]));
		for (const rule of fresh) keyed.set(keyOf(rule), rule);
		return [...keyed.values()];
	};
	return {
		...emptyMapping,
		groups: merge(base.groups, next.groups, ({ filter }) => filter),
		machines: merge(base.machines, next.machines, ({ source }) => source),
		sensors: merge(
			base.sensors,
			next.sensors,
			({ machine, filter, sensor }) => `${machine ?? ''}\n${filter ?? ''}\n${sensor}`
		)
	};
}
