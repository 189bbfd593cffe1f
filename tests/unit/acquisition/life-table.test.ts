import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { previewLives, readLives } from '../../../src/lib/acquisition/files/life-table';
import type { LifeMapping } from '../../../src/lib/contracts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const asFile = (text: string, name = 'lives.csv') => new File([text], name);

/** `units` lives of `steps` rows: a sensor that rises with age, one that never changes, a setting. */
function table(units: number, steps: number, change: (unit: number, row: number) => string = () => ''): string {
	const rows = ['unit,cycle,setting 1,vibration,housing,extra'];
	for (let u = 1; u <= units; u++)
		for (let t = 1; t <= steps + u; t++)
			rows.push(`${u},${t},${t % 2},${(t / (steps + u) + u / 100).toFixed(4)},7,${change(u, t)}`);
	return rows.join('\n');
}
const mapping: LifeMapping = {
	delimiter: ',',
	unitColumn: 'unit',
	orderColumn: 'cycle',
	settings: ['setting 1'],
	sensors: ['vibration', 'housing'],
	stepName: 'cycle',
	end: { kind: 'last-row' }
};

describe('a table of units that ran to failure', () => {
	test('columns are recognised, histories are read, a constant column is named and left out', async () => {
		const file = asFile(table(3, 20));
		const preview = await previewLives(file);
		expect(preview.proposed).toMatchObject({
			unitColumn: 'unit',
			orderColumn: 'cycle',
			settings: ['setting 1'],
			sensors: ['vibration', 'housing'],
			stepName: 'cycle',
			end: { kind: 'last-row' }
		});
		const { histories, summary } = await readLives(file, mapping, context);
		expect(histories.sensorNames).toEqual(['vibration']);
		expect(summary).toMatchObject({
			units: 3,
			failedUnits: 3,
			constant: ['housing'],
			steps: [21, 22, 23],
			rowsPerStep: 1
		});
		expect(histories.units[1]).toMatchObject({ unitId: '2', steps: 22, failed: true });
		expect(histories.units[0]!.sensors[20]).toBeCloseTo(1.01, 4);
	});

	test('a row without a time, in a column whose type says that it holds times, is left out', async () => {
		const start = Date.UTC(2026, 0, 1);
		const times = Array.from({ length: 12 }, (_, row) => (row === 5 ? null : new Date(start + row * 3_600_000)));
		const bytes = parquetWriteBuffer({
			columnData: [
				{ name: 'unit', data: times.map(() => 'a'), type: 'STRING' },
				{ name: 'cycle', data: times, type: 'TIMESTAMP' },
				{ name: 'vibration', data: times.map((_, row) => row), type: 'DOUBLE' }
			]
		});
		const file = new File([bytes], 'lives.parquet');
		const { histories, summary } = await readLives(
			file,
			{ ...mapping, settings: [], sensors: ['vibration'], stillRunning: { rowsPerStep: 1 } },
			context
		);
		expect([...histories.units[0]!.sensors]).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]);
		expect(summary.faults).toMatchObject([{ what: 'row without a "cycle"', count: 1 }]);
	});

	test('of units that still run nothing is left out, and rows are averaged as the model has them', async () => {
		const file = asFile(table(2, 20));
		const running = await readLives(file, { ...mapping, stillRunning: { rowsPerStep: 3 } }, context);
		expect(running.histories.sensorNames).toEqual(['vibration', 'housing']);
		expect(running.histories.units.map(({ steps, failed }) => [steps, failed])).toEqual([
			[7, false],
			[7, false]
		]);
		const twins = asFile(
			'unit,cycle,setting 1,vibration,housing\n' +
				['a', 'b'].map((u) => `${u},1,0,1,7\n${u},2,0,2,7\n${u},3,0,3,7`).join('\n')
		);
		const alike = await readLives(twins, { ...mapping, stillRunning: { rowsPerStep: 1 } }, context);
		expect(alike.summary).toMatchObject({ units: 2, failedUnits: 0 });
	});

	test('text without a header and with blanks between its cells is read as C-MAPSS', async () => {
		const line = (u: number, t: number) =>
			[u, t, ...Array.from({ length: 24 }, (_, i) => (i * 10 + t / 7 + u).toFixed(2))].join(' ') + '  ';
		const text = [1, 2].flatMap((u) => Array.from({ length: 12 }, (_, t) => line(u, t + 1))).join('\n');
		const file = asFile(text, 'train.txt');
		const { proposed, columns } = await previewLives(file);
		expect(columns).toHaveLength(26);
		expect(proposed).toMatchObject({ unitColumn: 'unit', orderColumn: 'cycle', stepName: 'cycle', delimiter: ' ' });
		expect(proposed.settings).toHaveLength(3);
		const { summary } = await readLives(file, proposed, context);
		expect(summary).toMatchObject({ units: 2, rows: 24 });
	});

	test('a label cuts a life at its failure; a unit without it still ran; a remaining life reaches past the last row', async () => {
		const labelled = asFile(table(3, 20, (u, t) => (u === 2 && t >= 15 ? 'yes' : 'no')));
		const byLabel = await readLives(labelled, { ...mapping, end: { kind: 'label', column: 'extra' } }, context);
		expect(byLabel.histories.units.map(({ failed, steps }) => [failed, steps])).toEqual([
			[false, 21],
			[true, 15],
			[false, 23]
		]);
		expect(byLabel.summary.faults).toEqual([
			expect.objectContaining({ what: 'row after the failure, left out', count: 7 })
		]);
		const counted = asFile(table(2, 20, (u, t) => String(20 + u - t + 4)));
		const byLife = await readLives(counted, { ...mapping, end: { kind: 'remaining', column: 'extra' } }, context);
		expect(byLife.histories.units[0]).toMatchObject({ failed: true, remainingAtEnd: 4 });
	});

	test('what would let the model see the answer is refused, saying why', async () => {
		const counting = asFile(table(3, 20, (u, t) => String(20 + u - t)));
		await expect(readLives(counting, { ...mapping, sensors: ['vibration', 'extra'] }, context)).rejects.toThrow(
			/"extra" counts down to the failure/
		);
		const rows = table(1, 20).split('\n');
		const twins = [...rows, ...rows.slice(1).map((row) => row.replace(/^1,/, '9,'))].join('\n');
		await expect(readLives(asFile(twins), mapping, context)).rejects.toThrow(/Unit 1 and unit 9 have the same rows/);
		const shared = [...rows, rows[5]].join('\n');
		await expect(readLives(asFile(shared), mapping, context)).rejects.toThrow(
			/Unit 1 has two rows at the same "cycle" \(rows 6 and 23\)/
		);
	});

	test('cells that are no number and rows without a unit are counted with their place; nothing else is lost', async () => {
		const rows = table(2, 20).split('\n');
		rows[3] = rows[3]!.replace(/^1,3,1,[^,]*/, '1,3,1,broken');
		rows[4] = rows[4]!.replace(/^1/, '');
		const { summary, histories } = await readLives(asFile(rows.join('\n')), mapping, context);
		expect(summary.faults).toEqual([
			{ what: 'cell of "vibration" that is no number', count: 1, example: expect.stringContaining('row 4') },
			{ what: 'row that names no unit', count: 1, example: 'row 5' }
		]);
		expect(histories.units[0]!.steps).toBe(20);
		expect(histories.units[0]!.sensors[2]).toBeNaN();
	});

	test('lives too long to look over are averaged to whole steps that end at the failure', async () => {
		const { summary, histories } = await readLives(asFile(table(2, 1500)), mapping, context);
		expect(summary.rowsPerStep).toBeGreaterThan(1);
		expect(histories.stepName).toBe('step');
		const [first] = histories.units;
		expect(first!.steps).toBe(Math.floor(1501 / summary.rowsPerStep));
		expect(first!.sensors.at(-1)).toBeCloseTo(1.01, 2);
	});

	test('columns that do not fit are refused by name', async () => {
		const file = asFile(table(2, 20));
		await expect(readLives(file, { ...mapping, sensors: ['pressure'] }, context)).rejects.toThrow(
			/no column "pressure"/
		);
		await expect(readLives(file, { ...mapping, settings: ['vibration'] }, context)).rejects.toThrow(/chosen twice/);
		await expect(readLives(file, { ...mapping, sensors: ['housing'] }, context)).rejects.toThrow(
			/ever changes: housing/
		);
	});
});
