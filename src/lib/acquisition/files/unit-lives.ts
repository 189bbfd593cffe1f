/**
 * Data Acquisition, files: one life per unit. In: rows as they came from a table, unit by unit. Out: lives in order of time, cut at the failure and
 * averaged where they are long; refused where they hold the answer: a unit given twice, a column that counts down to the failure.
 */
import { MillwrightError, type LifeMapping } from '../../contracts';
import type { Faults } from './table-cells';

/** Correlation with the steps left above which a column is the answer itself. */
const tellsTheAnswer = 0.9999;
const hourMs = 3_600_000;

/** A unit's rows as they came; `end`: what says when it failed. */
export interface RawUnit {
	readonly order: number[];
	readonly values: Float32Array[];
	readonly end: (number | undefined)[];
	readonly lines: number[];
}

/** In order of time; the steps left after its last row, where known. */
export interface Life {
	readonly unitId: string;
	readonly order: readonly number[];
	readonly values: readonly Float32Array[];
	readonly failed: boolean;
	readonly remainingAtEnd: number;
}

/** In order, cut at the failure. */
export function toLife(unitId: string, raw: RawUnit, mapping: LifeMapping, faults: Faults): Life {
	const places = raw.order.map((_, i) => i).sort((a, b) => raw.order[a]! - raw.order[b]!);
	for (let i = 1; i < places.length; i++)
		if (raw.order[places[i]!] === raw.order[places[i - 1]!])
			throw new MillwrightError(
				'invalid-input',
				`Unit ${unitId} has two rows at the same "${mapping.orderColumn}" (rows ${raw.lines[places[i - 1]!]} and ${raw.lines[places[i]!]}): two units may share a name, or the file holds one twice`,
				{ unitId, rows: [raw.lines[places[i - 1]!], raw.lines[places[i]!]] }
			);
	let failed = mapping.end.kind === 'last-row' && !mapping.stillRunning;
	let remainingAtEnd = 0;
	let used = places;
	if (mapping.end.kind === 'label') {
		const first = places.findIndex((i) => raw.end[i] === 1);
		failed = first >= 0;
		if (failed && first + 1 < places.length) {
			faults.count(
				'row after the failure, left out',
				`unit ${unitId}, row ${raw.lines[places[first + 1]!]}`,
				places.length - first - 1
			);
			used = places.slice(0, first + 1);
		}
	} else if (mapping.end.kind === 'remaining') {
		const last = raw.end[places.at(-1)!];
		failed = last !== undefined && last >= 0;
		remainingAtEnd = failed ? Math.round(last!) : 0;
	}
	return {
		unitId,
		order: used.map((i) => raw.order[i]!),
		values: used.map((i) => raw.values[i]!),
		failed,
		remainingAtEnd
	};
}

/** Means of so many rows, counted back from the last: the failure stays at the end of a whole step. */
export function averaged(life: Life, rowsPerStep: number): Life {
	const { values, order, remainingAtEnd } = life;
	const steps = Math.floor(values.length / rowsPerStep);
	const first = values.length - steps * rowsPerStep;
	const means = Array.from({ length: steps }, (_, s) => {
		const rows = values.slice(first + s * rowsPerStep, first + (s + 1) * rowsPerStep);
		return rows[0]!.map((_, k) => {
			const known = rows.map((row) => row[k]!).filter((value) => !Number.isNaN(value));
			return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
		});
	});
	return {
		...life,
		order: means.map((_, s) => order[first + (s + 1) * rowsPerStep - 1]!),
		values: means,
		remainingAtEnd: Math.round(remainingAtEnd / rowsPerStep)
	};
}

/** The same rows under two names would stand on both sides of a split by unit. */
export function refuseTwins(lives: readonly Life[]): void {
	const seen = new Map<string, string>();
	for (const { unitId, values } of lives) {
		if (values.length < 3) continue;
		const key = `${values.length}|${[0, values.length >> 1, values.length - 1].map((i) => values[i]!.join()).join('|')}`;
		const other = seen.get(key);
		if (other !== undefined)
			throw new MillwrightError(
				'invalid-input',
				`Unit ${other} and unit ${unitId} have the same rows: one would be learnt from and the other judged, and the model would look better than it is. Take one of them out.`,
				{ units: [other, unitId] }
			);
		seen.set(key, unitId);
	}
}

/** Whether a column has one value in all lives. */
export function isConstant(lives: readonly Life[], k: number): boolean {
	let first: number | undefined;
	for (const { values } of lives)
		for (const row of values) {
			const value = row[k]!;
			if (Number.isNaN(value)) continue;
			first ??= value;
			if (value !== first) return false;
		}
	return true;
}

/** A column that goes down evenly to the failure in every unit is no measurement. Of one or two units nothing can be said. */
export function refuseAnswer(lives: readonly Life[], name: string, k: number): void {
	if (lives.filter(({ failed }) => failed).length < 3) return;
	let [n, x, y, xx, yy, xy] = [0, 0, 0, 0, 0, 0];
	for (const { values, failed, remainingAtEnd } of lives) {
		if (!failed) continue;
		values.forEach((row, t) => {
			const value = row[k]!;
			if (Number.isNaN(value)) return;
			const left = values.length - 1 - t + remainingAtEnd;
			n++;
			x += value;
			y += left;
			xx += value * value;
			yy += left * left;
			xy += value * left;
		});
	}
	const spread = Math.sqrt((xx - (x * x) / n) * (yy - (y * y) / n));
	if (n > 2 && spread > 0 && Math.abs((xy - (x * y) / n) / spread) > tellsTheAnswer)
		throw new MillwrightError(
			'invalid-input',
			`"${name}" counts down to the failure in every unit: it is the answer, not a measurement. Leave it out, or choose it as the remaining life.`,
			{ column: name }
		);
}

/** From one row to the next, in the middle of all; undefined where time does not go on. */
export function usualStepHours(lives: readonly Life[]): number | undefined {
	const steps = lives
		.flatMap(({ order }) => order.slice(1, 200).map((time, i) => time - order[i]!))
		.sort((a, b) => a - b);
	const middle = steps[steps.length >> 1];
	return middle === undefined || middle <= 0 ? undefined : middle / hourMs;
}
