/** Tables that tell failures: what columns are taken to be, what is refused because it is the answer, and a fleet's days out of several files. */
import { describe, expect, test } from 'vitest';
import { readFleet } from '../../../src/lib/acquisition/files/fleet-tables';
import { previewRisk } from '../../../src/lib/acquisition/files/risk-columns';
import { readRiskTable } from '../../../src/lib/acquisition/files/risk-table';

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const csv = (name: string, lines: readonly string[]) => new File([lines.join('\n')], name);

/** 60 milling operations, every tenth fails of wear; "leak" says so. */
const lines = Array.from({ length: 60 }, (_, i) => {
	const failed = i % 10 === 9 ? 1 : 0;
	return [i + 1, `L${100 + i}`, 'LMH'[i % 3], (300 + i / 7).toFixed(1), 40 + (i % 13), failed, failed, 0].join();
});
const milling = csv('milling.csv', [
	'UDI,Product ID,Type,Air temperature [K],Torque [Nm],Machine_failure,TWF,RNF',
	...lines
]);

describe('labelled rows', () => {
	test('are recognised: id, label, modes, words and numbers', async () => {
		const { asRows } = await previewRisk(milling);
		expect(asRows).toMatchObject({
			idColumn: 'UDI',
			unitColumn: '',
			label: 'Machine_failure',
			modes: ['TWF', 'RNF'],
			inputs: ['Type', 'Air temperature [K]', 'Torque [Nm]']
		});
	});

	test('become inputs, labels and modes; what never changes is left out', async () => {
		const { asRows } = await previewRisk(milling);
		const { table, twins } = await readRiskTable(milling, asRows, context);
		expect(table.ids.slice(0, 2)).toEqual(['1', '2']);
		expect(table.inputs[0]).toEqual({ name: 'Type', categories: ['L', 'M', 'H'] });
		expect([...table.values.slice(0, 3)]).toEqual([0, 300, 40]);
		expect([...table.labels].filter((label) => label === 1)).toHaveLength(6);
		expect(table.modes.map(({ name }) => name)).toEqual(['TWF']);
		expect(twins).toBe(0);
	});

	test('refuse the answer as an input, in words', async () => {
		const { asRows } = await previewRisk(milling);
		const read = (change: Partial<typeof asRows>) => readRiskTable(milling, { ...asRows, ...change }, context);
		await expect(read({ inputs: ['Torque [Nm]', 'TWF'], modes: [] })).rejects.toThrow(
			/"TWF" says the same as "Machine_failure"/
		);
		await expect(read({ inputs: ['Torque [Nm]', 'TWF'], modes: ['TWF'] })).rejects.toThrow(
			/"TWF" says that or how a row failed/
		);
		await expect(read({ inputs: ['Product ID'] })).rejects.toThrow(/"Product ID" has 60 different words/);
	});

	test('refuse a flag that is raised in failed rows alone', async () => {
		const flagged = csv('flag.csv', [
			'torque,overstrain,label',
			...Array.from({ length: 100 }, (_, i) => [i * 3.1, i >= 90 && i < 96 ? 1 : 0, i >= 88 ? 1 : 0].join())
		]);
		const { asRows } = await previewRisk(flagged);
		await expect(
			readRiskTable(flagged, { ...asRows, inputs: ['torque', 'overstrain'], modes: [] }, context)
		).rejects.toThrow(/"overstrain" is 1 in 6 rows, and 6 of them failed: it seems to say how/);
	});

	test('keep a row once that stands there twice, and refuse a unit under two names', async () => {
		const head = 'machine,a,b,c,label';
		const row = (m: string, i: number) => [m, i, i * i, i % 7, i % 5 === 0 ? 1 : 0].join();
		const twice = csv('twice.csv', [head, ...[1, 2, 3, 4, 5, 5].map((i) => row(`m${i}`, i))]);
		const mapping = { ...(await previewRisk(twice)).asRows, inputs: ['a', 'b', 'c'], label: 'label', modes: [] };
		expect((await readRiskTable(twice, { ...mapping, unitColumn: '' }, context)).twins).toBe(1);
		const same = csv('same.csv', [head, ...['m1', 'm2'].flatMap((m) => [1, 2, 3, 5].map((i) => row(m, i)))]);
		await expect(readRiskTable(same, { ...mapping, unitColumn: 'machine' }, context)).rejects.toThrow(
			/Unit m1 and unit m2 have the same rows/
		);
	});

	test('count what could not be used, with the first example', async () => {
		const broken = csv('broken.csv', ['a,b,c,label', '1,2,x,0', '2,,3,1', '3,4,5,', '4,5,6,0']);
		const { asRows } = await previewRisk(broken);
		const { faults } = await readRiskTable(broken, { ...asRows, inputs: ['a', 'b', 'c'], label: 'label' }, context);
		expect(faults).toContainEqual({ what: 'cell of "c" without a value', count: 1, example: 'row 2: "x"' });
		expect(faults).toContainEqual({ what: 'row without a "label"', count: 1, example: 'row 4' });
	});
});

test('a fleet: days of telemetry, events in days since the first, words of a machine as 0/1', async () => {
	const day = (d: number) => `2026-03-${String(d).padStart(2, '0')}`;
	const files = [
		csv('telemetry.csv', [
			'datetime,machineID,volt,rotate',
			...[1, 2].flatMap((m) =>
				[1, 2, 3].flatMap((d) =>
					[6, 18].map((h) => `${day(d)} ${String(h).padStart(2, '0')}:00:00,${m},${100 * m + h},${d}`)
				)
			)
		]),
		csv('failures.csv', ['datetime,machineID,failure', `${day(2)} 06:00:00,1,comp4`, `${day(2)} 06:00:00,9,comp1`]),
		csv('errors.csv', ['datetime,machineID,errorID', `${day(1)} 12:00:00,2,error1`]),
		csv('maint.csv', ['datetime,machineID,comp', '2026-02-27 00:00:00,1,comp4']),
		csv('machines.csv', ['machineID,model,age', '1,model3,18', '2,model4,7'])
	];
	const parts = await Promise.all(files.map(async (file) => ({ file, mapping: (await previewRisk(file)).asFleet })));
	expect(parts.map(({ mapping }) => mapping.role)).toEqual([
		'telemetry',
		'failures',
		'errors',
		'maintenance',
		'machines'
	]);
	const { fleet, faults } = await readFleet(parts, context);
	const [first, second] = fleet.machines;
	expect(first!.days.days).toBe(3);
	expect([...first!.days.telemetry.slice(0, 2)]).toEqual([112, 1]);
	expect(first!.days.failures).toEqual([1.25]);
	expect(first!.modes).toContainEqual({ name: 'comp4', at: [1.25] });
	expect(second!.days.errors).toEqual([{ kind: 'error1', at: [0.5] }]);
	expect(first!.days.replacements).toEqual([{ component: 'comp4', at: [-2] }]);
	expect(second!.days.constants).toEqual([
		{ name: 'model is model3', value: 0 },
		{ name: 'model is model4', value: 1 },
		{ name: 'age', value: 7 }
	]);
	expect(faults).toContainEqual({ what: 'entry of failures for a machine without telemetry', count: 1, example: '9' });
	await expect(readFleet(parts.slice(1), context)).rejects.toThrow(/None of the files holds telemetry/);
});
