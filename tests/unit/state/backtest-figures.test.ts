import { expect, test } from 'vitest';
import type { RulBacktest } from '../../../src/lib/contracts';
import { coneShares, errorsByLead, livesOf } from '../../../src/lib/state/prognostics/backtest-figures';

/** One unit of 101 rows that is told `error` too long, one of 11 rows told exactly; the ridge is twice as far off. */
function backtest(error: number): RulBacktest {
	const rows = [
		...Array.from({ length: 101 }, (_, row) => ({ unit: 0, row, actual: 100 - row, off: error })),
		...Array.from({ length: 11 }, (_, row) => ({ unit: 1, row, actual: 10 - row, off: 0 }))
	];
	const column = (of: (row: (typeof rows)[number]) => number) => Float32Array.from(rows, of);
	return {
		unitIds: ['a', 'b'],
		judgedBy: 'cross-validation',
		capSteps: 125,
		constant: 50,
		unit: Uint32Array.from(rows, ({ unit }) => unit),
		row: Uint32Array.from(rows, ({ row }) => row),
		actual: column(({ actual }) => actual),
		predicted: column(({ actual, off }) => actual + off),
		low: column(({ actual, off }) => actual + off - 5),
		high: column(({ actual, off }) => actual + off + 5),
		ridge: column(({ actual, off }) => actual + 2 * off)
	};
}

test('errors by lead time weigh units the same, and stand beside the floors', () => {
	const data = backtest(8);
	const lives = livesOf(data);
	expect(lives.map(({ unitId, rmse }) => [unitId, rmse])).toEqual([
		['a', 8],
		['b', 0]
	]);
	const [near, ...far] = errorsByLead(lives, data);
	expect(near).toMatchObject({ from: 0, to: 25, units: 2, coverage: 0.5 });
	expect(near!.model).toBeCloseTo(8 / Math.SQRT2);
	expect(near!.ridge).toBeCloseTo(16 / Math.SQRT2);
	expect(far[0]).toMatchObject({ units: 1, model: 8, ridge: 16, coverage: 0 });
	expect(far[0]!.constant).toBeGreaterThan(8);
});

test('the cone narrows with the truth: a constant error leaves it late in life', () => {
	const shares = coneShares(livesOf(backtest(8)));
	expect(shares[0]).toEqual({ lambda: 0, model: 1, ridge: 1 });
	expect(shares[5]).toMatchObject({ lambda: 0.5, model: 1, ridge: 0.5 });
	expect(shares[9]).toMatchObject({ model: 0.5, ridge: 0.5 });
});
