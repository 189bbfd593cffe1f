/** The mapping as a person edits it: one line per name, merging, what stands in the way, and what comes of it for worker and file. */
import { describe, expect, it } from 'vitest';
import { emptyMapping, type MachineRecord, type SensorRecord, type SourceSurvey } from '$lib/contracts';
import {
	draftOf,
	lineOf,
	mappingOf,
	mergeMachines,
	NO_UNIT,
	sensorEdit,
	summarise,
	withGroup,
	withLine,
	withMachine,
	withSingle
} from '$lib/state/intake/mapping-draft';
import { mappingOfKnown, surveyOfKnown, unmapped } from '$lib/state/intake/mapping-known';

const FILTER = 'acme/+/+';
const sensor = (machine: string, name: string, unit?: string) => ({
	machine,
	sensor: name,
	filter: FILTER,
	topic: `${machine}/x`,
	...(unit && { unit }),
	kind: 'temperature' as const,
	last: { value: 20, time: 1, quality: 0 as const, retained: false },
	min: 10,
	max: 30,
	values: 3
});
const survey: SourceSurvey = {
	link: { state: 'connected', source: 'broker', owner: true },
	listenedMs: 1,
	messages: 1,
	topics: 1,
	beyond: 0,
	groups: [
		{
			filter: FILTER,
			dialect: 'JSON',
			topics: 3,
			messages: 3,
			examples: [],
			recognised: true,
			levels: ['plant', 'machine', 'skip'].map((role) => ({ role: role as 'plant', values: [], distinct: 1 }))
		}
	],
	machines: ['p1', 'p2', 'p1-motor'].map((machine) => ({
		source: `acme/${machine}`,
		path: { plant: 'acme', machine },
		filter: FILTER
	})),
	sensors: [
		sensor('acme/p1', 't'),
		sensor('acme/p2', 't'),
		sensor('acme/p1-motor', 't'),
		sensor('acme/p1', 'flow', 'l/min')
	],
	refused: []
};
const line = (draft: ReturnType<typeof draftOf>, name: string) =>
	lineOf(
		draft,
		survey.sensors.find((s) => s.sensor === name)!
	);

describe('a draft of what was heard', () => {
	it('has one line per sensor name, and asks for units that nobody states', () => {
		const draft = draftOf(survey);
		expect([...draft.lines.values()].map(({ sensor: name, unit, found }) => [name, unit, found.length])).toEqual([
			['t', '', 3],
			['flow', 'l/min', 1]
		]);
		expect(summarise(draft)).toEqual({ machines: 3, sensors: 4, withoutUnit: 3, linesWithoutUnit: 1, errors: [] });
		expect(summarise(withLine(draft, line(draft, 't').key, { unit: NO_UNIT })).withoutUnit).toBe(0);
		expect(summarise(withLine(draft, line(draft, 't').key, { kind: 'state' })).withoutUnit).toBe(0);
	});

	it('lets every source keep its own unit where they differ', () => {
		const mixed = draftOf({ ...survey, sensors: [sensor('acme/p1', 't', '°C'), sensor('acme/p2', 't', '°F')] });
		expect(mixed.sensors.map((s) => sensorEdit(mixed, s).unit)).toEqual(['°C', '°F']);
		expect(mappingOf(mixed).sensors).toEqual([{ filter: FILTER, sensor: 't' }]);
	});

	it('becomes the mapping that the person means, and reads back from it', () => {
		let draft = draftOf(survey);
		draft = withLine(draft, line(draft, 't').key, { name: 'bearing temperature', unit: '°C' });
		draft = withSingle(draft, survey.sensors[1]!, { unit: '°F' });
		draft = withMachine(draft, 'acme/p1', { path: { plant: 'Acme', line: 'L 1', machine: 'Pump 1' } });
		draft = withMachine(draft, 'acme/p2', { ignored: true });
		draft = withGroup(draft, FILTER, { levels: ['plant', 'machine', 'skip'] });
		const mapping = mappingOf(draft);
		expect(mapping).toEqual({
			...emptyMapping,
			groups: [{ filter: FILTER, levels: ['plant', 'machine', 'skip'] }],
			machines: [
				{ source: 'acme/p1', path: { plant: 'Acme', line: 'L 1', machine: 'Pump 1' } },
				{ source: 'acme/p2', ignored: true },
				{ source: 'acme/p1-motor' }
			],
			sensors: [
				{ filter: FILTER, sensor: 't', name: 'bearing temperature', unit: '°C' },
				{ filter: FILTER, sensor: 'flow' },
				{ machine: 'acme/p2', sensor: 't', name: 'bearing temperature', unit: '°F' }
			]
		});
		expect(mappingOf(draftOf(survey, mapping), mapping)).toEqual(mapping);
	});

	it('keeps what an earlier mapping says of topics and machines that were not heard now', () => {
		const base = {
			...emptyMapping,
			groups: [{ filter: 'other/#', ignored: true }],
			machines: [{ source: 'other/m', path: { machine: 'M' } }],
			sensors: [{ sensor: 'x', unit: 'bar' }]
		};
		const mapping = mappingOf(draftOf(survey, base), base);
		expect(mapping.groups).toEqual(base.groups);
		expect(mapping.machines[0]).toEqual(base.machines[0]);
		expect(mapping.sensors[0]).toEqual(base.sensors[0]);
	});

	it('merges machines without losing a sensor of the same name, and refuses names that are taken twice', () => {
		const merged = mergeMachines(draftOf(survey), 'acme/p1-motor', 'acme/p1');
		expect(summarise(merged)).toMatchObject({ machines: 2, sensors: 4, errors: [] });
		expect(sensorEdit(merged, survey.sensors[2]!).name).toBe('p1-motor t');
		const taken = withSingle(merged, survey.sensors[2]!, { name: 't' });
		expect(summarise(taken).errors).toEqual([
			'Two sensors of acme/p1 would both be called t: acme/p1:t and acme/p1-motor:t. Give one of them another name.'
		]);
		expect(summarise(withMachine(merged, 'acme/p2', { path: { machine: ' ' } })).errors[0]).toMatch(
			/acme\/p2 needs a name/
		);
	});
});

describe('a draft of what is stored', () => {
	const machines: MachineRecord[] = [
		{ id: 'Acme/Pump 1', path: { plant: 'Acme', machine: 'Pump 1' }, origin: 'live', firstSeen: 0 },
		{ id: 'old', path: { machine: 'old' }, origin: 'import', firstSeen: 0 }
	];
	const record = (name: string, source: string, unit?: string): SensorRecord => ({
		id: `Acme/Pump 1:${name}`,
		machineId: 'Acme/Pump 1',
		name,
		kind: 'temperature',
		source,
		firstSeen: 0,
		...(unit && { unit })
	});
	const sensors = [record('temperature', 'acme/p1:t', '°C'), record('speed', 'acme/p1:speed')];
	const mapping = {
		...emptyMapping,
		machines: [{ source: 'acme/p1', path: { plant: 'Acme', machine: 'Pump 1' } }],
		sensors: [{ filter: FILTER, sensor: 't', name: 'temperature', unit: '°C' }]
	};

	it('knows what the mapping does not', () => {
		expect(unmapped(machines, sensors, mapping)).toEqual({ machines: [], sensors: ['Acme/Pump 1:speed'] });
		expect(unmapped(machines, sensors, { ...emptyMapping })).toMatchObject({ machines: ['Acme/Pump 1'] });
		expect(unmapped(machines, sensors, undefined)).toEqual({ machines: [], sensors: [] });
	});

	it('changes only what was edited, and takes what was new as it is', () => {
		const known = surveyOfKnown(machines, sensors, new Map());
		const draft = draftOf(known, mapping, false);
		expect([...draft.lines.values()].map(({ name, unit }) => [name, unit])).toEqual([
			['temperature', '°C'],
			['speed', '']
		]);
		const saved = mappingOfKnown(draft, mapping);
		expect(saved).toEqual({ ...mapping, sensors: [...mapping.sensors, { machine: 'acme/p1', sensor: 'speed' }] });
		expect(unmapped(machines, sensors, saved).sensors).toEqual([]);
		const renamed = withLine(draft, lineOf(draft, known.sensors[0]!).key, { unit: 'K' });
		expect(mappingOfKnown(renamed, mapping).sensors).toContainEqual({
			machine: 'acme/p1',
			sensor: 't',
			name: 'temperature',
			unit: 'K'
		});
	});
});
