/**
 * Dialect: a machine's own description on `<machine topic>/_meta`, retained, as the simulator and `npm run simulate` send it:
 * `{"machineClass":"centrifugal-pump","sensors":{"flow":{"unit":"m3/h","kind":"flow","resolution":0.01,"range":[0,200]}}}`.
 *
 * It may declare what a diagnosis needs too: `"vibrationGroup":"group-2-rigid","geometry":{"shaftRpm":1480,"gearTeeth":23,"bearing":{...}}`.
 */
import * as v from 'valibot';
import {
	MachineDeclarationSchema,
	machineClassIds,
	sensorKinds,
	type MachineClassId,
	type SensorKind
} from '../../contracts';
import { sensorNameOf, type TopicCache } from '../decode/topics';
import type { Dialect, SensorDescription } from '../message';

export function createMeta(topics: TopicCache): Dialect {
	return {
		id: 'meta',
		title: 'Machine description',
		levelsAreFree: true,
		claims: (message, _text, json) => message.topic.endsWith('/_meta') && json !== undefined,
		decode(message, _text, json, sink) {
			const place = topics.resolveBeside(message.topic);
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
			if (Array.isArray(json)) return sink.reject('no-values', 'a machine description must be an object');
			const { machineClass, sensors } = json as { machineClass?: unknown; sensors?: unknown };
			const known = machineClassIds.find((id) => id === machineClass);
			if (machineClass !== undefined && !known)
				sink.reject('unknown-field', `field 'machineClass': ${String(machineClass).slice(0, 60)} is no known class`);
			const declared = v.safeParse(MachineDeclarationSchema, json);
			if (!declared.success)
				sink.reject('unknown-field', `field '${v.getDotPath(declared.issues[0])}': ${declared.issues[0].message}`);
			const stated = declared.success && Object.keys(declared.output).length > 0 ? declared.output : undefined;
			sink.describe(place, known as MachineClassId | undefined, describeSensors(sensors), stated);
		}
	};
}

function describeSensors(sensors: unknown): Map<string, SensorDescription> {
	const described = new Map<string, SensorDescription>();
	if (typeof sensors !== 'object' || sensors === null) return described;
	for (const [name, value] of Object.entries(sensors)) {
		if (typeof value !== 'object' || value === null) continue;
		const { unit, kind, resolution, range } = value as Record<string, unknown>;
		const knownKind = sensorKinds.find((candidate) => candidate === kind) as SensorKind | undefined;
		const [min, max] = Array.isArray(range) ? (range as unknown[]) : [];
		described.set(sensorNameOf(name), {
			...(typeof unit === 'string' && { unit }),
			...(knownKind && { kind: knownKind }),
			...(typeof resolution === 'number' && resolution > 0 && Number.isFinite(resolution) && { resolution }),
			...(typeof min === 'number' && typeof max === 'number' && min < max && { range: [min, max] as const })
		});
	}
	return described;
}
