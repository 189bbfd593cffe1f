/**
 * State, pure: what is stored already, in the form of a survey, so that names, units and kinds can be edited later; and what of it
 * the mapping does not know yet.
 *
 * In: the registry, newest values and the mapping. Out: a `SourceSurvey` without topics; the mapping after edits, which says something
 * new only of what was edited or not mapped before; ids of machines and sensors that are new.
 */
import {
	cleanPath,
	cleanLevel,
	emptyMapping,
	machineIdOf,
	splitSensorId,
	type MachineId,
	type MachineRecord,
	type Quality,
	type SensorId,
	type SensorRecord,
	type SensorRule,
	type SourceMapping,
	type SourceSurvey,
	type SurveyMachine
} from '$lib/contracts';
import { mergeMappings, sensorEdit, type MappingDraft } from './mapping-draft';

type Latest = ReadonlyMap<SensorId, { readonly time: number; readonly value: number; readonly quality: number }>;

/** Of live machines only: recordings were mapped when they were imported. */
export function surveyOfKnown(
	machines: readonly MachineRecord[],
	sensors: readonly SensorRecord[],
	latest: Latest
): SourceSurvey {
	const live = new Map(machines.filter(({ origin }) => origin === 'live').map((machine) => [machine.id, machine]));
	const sources = new Map<MachineId, SurveyMachine>();
	const found = sensors.flatMap((sensor) => {
		const record = live.get(sensor.machineId);
		if (!record) return [];
		const { machineId: source, sensorName } = splitSensorId(sensor.source ?? sensor.id);
		if (!sources.has(source))
			sources.set(source, {
				source,
				path: record.path,
				filter: '',
				...(record.machineClass && { machineClass: record.machineClass }),
				...(record.presence?.online === false && { offline: record.presence.reason })
			});
		const value = latest.get(sensor.id);
		return [
			{
				machine: source,
				sensor: sensorName,
				name: sensor.name,
				filter: '',
				topic: '',
				...(sensor.unit && { unit: sensor.unit }),
				kind: sensor.kind,
				...(value && {
					last: { value: value.value, time: value.time, quality: value.quality as Quality, retained: false }
				}),
				min: value?.value ?? Infinity,
				max: value?.value ?? -Infinity,
				values: value ? 1 : 0
			}
		];
	});
	return {
		link: { state: 'idle', source: 'broker', owner: true },
		listenedMs: 0,
		messages: 0,
		topics: 0,
		beyond: 0,
		groups: [],
		machines: [...sources.values()],
		sensors: found,
		refused: []
	};
}

/** The mapping after edits of a draft that was made from `surveyOfKnown`. */
export function mappingOfKnown(draft: MappingDraft, base: SourceMapping): SourceMapping {
	const machineRules = new Map(base.machines.map((rule) => [rule.source, rule]));
	const machines = [...draft.machines.values()].flatMap(({ source, proposed, path, machineClass, ignored }) => {
		const before = machineRules.get(source);
		const isMoved = machineIdOf(cleanPath(path)) !== machineIdOf(cleanPath(proposed));
		if (before && !isMoved && !ignored && machineClass === before.machineClass) return [];
		return [
			{
				...before,
				source,
				...(isMoved && { path: cleanPath(path) }),
				...(machineClass && { machineClass }),
				ignored: ignored || undefined
			}
		];
	});
	const sensors = draft.sensors.flatMap((sensor) => {
		const of = (rule: SensorRule) => rule.sensor === sensor.sensor;
		const before =
			base.sensors.find((rule) => of(rule) && rule.machine === sensor.machine) ??
			base.sensors.find((rule) => of(rule) && rule.machine === undefined);
		const edit = sensorEdit(draft, sensor);
		const change = {
			...(cleanLevel(edit.name) !== (sensor.name ?? sensor.sensor) && { name: cleanLevel(edit.name) }),
			...(edit.unit.trim() !== (sensor.unit ?? '') && edit.unit.trim() !== '' && { unit: edit.unit.trim() }),
			...(edit.kind !== sensor.kind && { kind: edit.kind }),
			...(edit.ignored && { ignored: true })
		};
		if (before && Object.keys(change).length === 0) return [];
		const { filter: _filter, ...kept } = before ?? {};
		return [{ ...kept, ...change, machine: sensor.machine, sensor: sensor.sensor }];
	});
	return mergeMappings(base, { ...emptyMapping, machines, sensors });
}

export interface Unmapped {
	readonly machines: readonly MachineId[];
	readonly sensors: readonly SensorId[];
}

/** Live machines and sensors that came after the mapping was accepted. Without a mapping nothing is: all names are found by themselves. */
export function unmapped(
	machines: readonly MachineRecord[],
	sensors: readonly SensorRecord[],
	mapping: SourceMapping | undefined
): Unmapped {
	if (!mapping) return { machines: [], sensors: [] };
	const known = new Set(mapping.machines.map(({ source, path }) => (path ? machineIdOf(cleanPath(path)) : source)));
	const ofMachine = new Set<string>();
	const general = new Set<string>();
	for (const { machine, sensor } of mapping.sensors)
		if (machine === undefined) general.add(sensor);
		else ofMachine.add(`${machine}:${sensor}`);
	const live = new Set(machines.filter(({ origin }) => origin === 'live').map(({ id }) => id));
	const isNew = (sensor: SensorRecord) => {
		const heardAs = sensor.source ?? sensor.id;
		return !general.has(splitSensorId(heardAs).sensorName) && !ofMachine.has(heardAs);
	};
	return {
		machines: [...live].filter((id) => !known.has(id)),
		sensors: sensors.filter((sensor) => live.has(sensor.machineId) && isNew(sensor)).map(({ id }) => id)
	};
}
