/**
 * Storage: an arriving batch sorted out against what is stored: what is new, what is there already, what contradicts it.
 *
 * In: a ReadingBatch with its series' numbers. Out: a journal block of the new readings and the receipt. A reading newer than its series'
 * newest is new without a look (the live case, 70,000 a second); only older or equal times are compared with journal and segments.
 */
import { MillwrightError, type ReadingBatch } from '../contracts';
import type { SeriesRow } from './directory';
import { encodeJournal } from './journal';
import type { CommitReceipt } from './store';
import type { StoredReader } from './stored-rows';
import type { Tail } from './tail';

export interface SortedBatch {
	/** Of the new readings; undefined when there are none. */
	readonly data: ArrayBuffer | undefined;
	readonly receipt: CommitReceipt;
}

/** Rounds to the declared resolution as a decimal ("0.05": to 0.05s), so that what is stored is what is compared and given back. */
export function quantise(value: number, resolution: number): number {
	const steps = Math.round(value / resolution);
	if (!Number.isFinite(steps)) return value;
	if (resolution >= 1) return steps * resolution;
	for (let e = 1; e <= 9; e++) {
		const unit = resolution * 10 ** e;
		const whole = Math.round(unit);
		if (Math.abs(unit - whole) < 1e-6 * whole) return (steps * whole) / 10 ** e || 0;
	}
	return value;
}

/** Throws MillwrightError ('invalid-input') for columns of unequal length, an unknown series index or a time that is no number. */
export function checkBatch(batch: ReadingBatch): void {
	const count = batch.times.length;
	if (batch.series.length !== count || batch.values.length !== count || batch.qualities.length !== count)
		throw new MillwrightError('invalid-input', 'A batch of readings has columns of unequal length', {
			series: batch.series.length,
			times: count,
			values: batch.values.length,
			qualities: batch.qualities.length
		});
	for (let i = 0; i < count; i++) {
		if (!Number.isFinite(batch.times[i]!))
			throw new MillwrightError('invalid-input', `Reading ${i} has no valid time`, {
				sensorId: batch.sensorIds[batch.series[i]!],
				time: batch.times[i]
			});
		if (batch.series[i]! >= batch.sensorIds.length)
			throw new MillwrightError(
				'invalid-input',
				`Reading ${i} names sensor ${batch.series[i]} of ${batch.sensorIds.length}`
			);
	}
}

/**
 * `rows[i]` is the series of `batch.sensorIds[i]`; `resolutionOf` its declared resolution, if any. Reads storage only for readings
 * that are not newer than their series' newest. `tail` must be at `snapshot`.
 */
export async function sortBatch(
	tail: Tail,
	readStored: StoredReader,
	batch: ReadingBatch,
	rows: readonly SeriesRow[],
	resolutionOf: (sensorId: string) => number | undefined
): Promise<SortedBatch> {
	const total = batch.times.length;
	// Counting sort by series, keeping the order of arrival within each.
	const order = [...new Set(rows.map((row) => row.key))].sort((a, b) => a - b);
	const rank = new Map(order.map((key, i) => [key, i]));
	const rankOf = rows.map((row) => rank.get(row.key)!);
	const starts = new Uint32Array(order.length + 1);
	for (let i = 0; i < total; i++) starts[rankOf[batch.series[i]!]! + 1]!++;
	for (let r = 0; r < order.length; r++) starts[r + 1]! += starts[r]!;
	const fill = starts.slice();
	const source = new Uint32Array(total);
	for (let i = 0; i < total; i++) source[fill[rankOf[batch.series[i]!]!]!++] = i;

	const times = new Float64Array(total);
	const values = new Float64Array(total);
	const qualities = new Uint8Array(total);
	const series: number[] = [];
	const ends: number[] = [];
	let kept = 0;
	let duplicates = 0;
	let conflicts = 0;
	let outOfOrder = 0;
	const resolutions = new Map<number, number | undefined>();
	rows.forEach((row, i) => resolutions.set(row.key, resolutionOf(batch.sensorIds[i]!)));
	const machineOf = new Map(rows.map((row) => [row.key, row.machine]));

	/** Series of which something is not newer than what is stored, with the span to compare. */
	const wanted: Parameters<StoredReader>[0][number][] = [];
	const isSorted = new Uint8Array(order.length);
	for (let r = 0; r < order.length; r++) {
		const newest = tail.newestTime(order[r]!);
		let first = Infinity;
		let last = -Infinity;
		let highest = newest;
		let ascending = true;
		for (let k = starts[r]!; k < starts[r + 1]!; k++) {
			const time = batch.times[source[k]!]!;
			if (time > highest) {
				highest = time;
				continue;
			}
			ascending = false;
			if (time > newest) continue;
			if (time < first) first = time;
			if (time > last) last = time;
		}
		if (ascending) isSorted[r] = 1;
		if (first <= last) wanted.push({ series: order[r]!, machine: machineOf.get(order[r]!)!, from: first, to: last });
	}
	const stored = wanted.length > 0 ? await readStored(wanted) : undefined;

	for (let r = 0; r < order.length; r++) {
		const from = starts[r]!;
		const end = starts[r + 1]!;
		if (from === end) continue;
		const key = order[r]!;
		const resolution = resolutions.get(key);
		const group = source.subarray(from, end);
		if (isSorted[r] === 0) {
			const newest = tail.newestTime(key);
			const there = stored?.get(key);
			// Arrivals that are behind what came before them, in the batch or in the store.
			let seen = newest;
			const late = new Set<number>();
			for (const i of group) {
				if (batch.times[i]! <= seen) late.add(i);
				else seen = batch.times[i]!;
			}
			group.sort((a, b) => batch.times[a]! - batch.times[b]! || a - b);
			const before = kept;
			for (const i of group) {
				const time = batch.times[i]!;
				const value = resolution ? quantise(batch.values[i]!, resolution) : batch.values[i]!;
				const known = kept > before && times[kept - 1] === time ? values[kept - 1]! : there?.get(time);
				if (known !== undefined) {
					if (Object.is(known, value) || known === value) duplicates++;
					else conflicts++;
					continue;
				}
				if (late.has(i)) outOfOrder++;
				times[kept] = time;
				values[kept] = value;
				qualities[kept++] = batch.qualities[i]!;
			}
			if (kept > before) {
				series.push(key);
				ends.push(kept);
			}
			continue;
		}
		for (const i of group) {
			times[kept] = batch.times[i]!;
			values[kept] = resolution ? quantise(batch.values[i]!, resolution) : batch.values[i]!;
			qualities[kept++] = batch.qualities[i]!;
		}
		series.push(key);
		ends.push(kept);
	}
	const receipt = { stored: kept, duplicates, conflicts, outOfOrder };
	if (kept === 0) return { data: undefined, receipt };
	const data = encodeJournal(
		Uint32Array.from(series),
		Uint32Array.from(ends),
		times.subarray(0, kept),
		values.subarray(0, kept),
		qualities.subarray(0, kept)
	);
	return { data, receipt };
}
