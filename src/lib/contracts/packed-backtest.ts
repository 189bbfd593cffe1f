/**
 * A backtest as a file: what a shipped remaining-life model is looked back on with. In: a backtest. Out: JSON of every few rows of each
 * unit, the last among them, in tenths of a step; and back.
 */
import { MillwrightError } from './error';
import type { RulBacktest } from './run-to-failure';

const columns = ['unit', 'row', 'predicted', 'actual', 'low', 'high', 'ridge'] as const;
type Column = (typeof columns)[number];
const counted: ReadonlySet<Column> = new Set(['unit', 'row']);

export interface PackedBacktest extends Pick<RulBacktest, 'unitIds' | 'judgedBy' | 'capSteps' | 'constant'> {
	readonly format: 'millwright-backtest';
	/** Whole numbers; of lives, tenths of a step. */
	readonly columns: Readonly<Record<Column, readonly number[]>>;
}

export function packBacktest(backtest: RulBacktest, every: number): PackedBacktest {
	const { unitIds, judgedBy, capSteps, constant, unit } = backtest;
	const kept: number[] = [];
	let end = unit.length;
	for (let i = unit.length - 1; i >= 0; i--) {
		if (unit[i] !== unit[end - 1]) end = i + 1;
		if ((end - 1 - i) % every === 0) kept.unshift(i);
	}
	const packed = (name: Column) => kept.map((i) => Math.round(backtest[name][i]! * (counted.has(name) ? 1 : 10)));
	return {
		format: 'millwright-backtest',
		unitIds,
		judgedBy,
		capSteps,
		constant,
		columns: Object.fromEntries(columns.map((name) => [name, packed(name)])) as Record<Column, number[]>
	};
}

/** @throws MillwrightError `invalid-file` for anything that `packBacktest` did not write */
export function unpackBacktest(packed: PackedBacktest): RulBacktest {
	const rows = packed?.columns?.unit?.length;
	if (packed?.format !== 'millwright-backtest' || columns.some((name) => packed.columns[name]?.length !== rows))
		throw new MillwrightError('invalid-file', 'This is no backtest, or a part of one');
	const { unitIds, judgedBy, capSteps, constant } = packed;
	const lives = (name: Column) => Float32Array.from(packed.columns[name], (tenths) => tenths / 10);
	return {
		unitIds,
		judgedBy,
		capSteps,
		constant,
		unit: Uint32Array.from(packed.columns.unit),
		row: Uint32Array.from(packed.columns.row),
		predicted: lives('predicted'),
		actual: lives('actual'),
		low: lives('low'),
		high: lives('high'),
		ridge: lives('ridge')
	};
}
