/** A backtest as a file: thinned, but each unit keeps its last row; anything else is refused. */
import { expect, test } from 'vitest';
import { packBacktest, unpackBacktest, type PackedBacktest, type RulBacktest } from '../../../src/lib/contracts';

const rows = [...Array.from({ length: 9 }, (_, row) => [0, row]), ...Array.from({ length: 4 }, (_, row) => [1, row])];
const lives = (of: (row: number) => number) => Float32Array.from(rows, ([, row]) => of(row!));
const backtest: RulBacktest = {
	unitIds: ['a', 'b'],
	judgedBy: 'cross-validation',
	capSteps: 125,
	constant: 80,
	unit: Uint32Array.from(rows, ([unit]) => unit!),
	row: Uint32Array.from(rows, ([, row]) => row!),
	predicted: lives((row) => 10.04 + row),
	actual: lives((row) => 9 - row),
	low: lives(() => 0),
	high: lives(() => 20.25),
	ridge: lives((row) => row / 3)
};

test('every fourth row and the last of each unit come back, to a tenth of a step', () => {
	const back = unpackBacktest(JSON.parse(JSON.stringify(packBacktest(backtest, 4))));
	expect([...back.unit]).toEqual([0, 0, 0, 1]);
	expect([...back.row]).toEqual([0, 4, 8, 3]);
	expect([...back.predicted].map((value) => Math.round(value * 10))).toEqual([100, 140, 180, 130]);
	expect(back).toMatchObject({ unitIds: ['a', 'b'], capSteps: 125, constant: 80, judgedBy: 'cross-validation' });
});

test('what is no backtest, or a part of one, is refused', () => {
	const packed = packBacktest(backtest, 1);
	const cut = { ...packed, columns: { ...packed.columns, low: packed.columns.low.slice(1) } };
	for (const wrong of [cut, {} as PackedBacktest]) expect(() => unpackBacktest(wrong)).toThrow(/no backtest/);
});
