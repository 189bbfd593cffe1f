/**
 * Storage: where in some journal records the rows of each series lie.
 *
 * In: journal records. Out: the rows of one series after another as one table each. A portion of the journal has hundreds of thousands of
 * groups: they are counted into three arrays of numbers, and only the series that is asked for becomes a table.
 */
import type { SeriesTable } from './codec/segment';
import type { JournalRecord } from './journal';
import { inTimeOrder } from './tables';

export class JournalIndex {
	/** Series that have rows, ascending. */
	readonly series: Uint32Array;
	/** By series: groups before its own in the two arrays below; one more than there are series numbers. */
	readonly #starts: Uint32Array;
	/** Of each group, in the order of series and then of records: its record and its place in it. */
	readonly #records: Uint32Array;
	readonly #groups: Uint32Array;

	/** Values as words: a NaN keeps its bits. */
	readonly #words: readonly Uint32Array[];

	constructor(private readonly records: readonly JournalRecord[]) {
		this.#words = records.map(({ values }) => wordsOf(values));
		let groups = 0;
		let last = 0;
		for (const { series } of records) {
			groups += series.length;
			last = Math.max(last, series[series.length - 1] ?? 0);
		}
		const starts = new Uint32Array(last + 2);
		for (const { series } of records) for (let group = 0; group < series.length; group++) starts[series[group]! + 1]!++;
		const found: number[] = [];
		for (let one = 0; one <= last; one++) {
			if (starts[one + 1]! > 0) found.push(one);
			starts[one + 1]! += starts[one]!;
		}
		const fill = starts.slice();
		this.#records = new Uint32Array(groups);
		this.#groups = new Uint32Array(groups);
		records.forEach(({ series }, record) => {
			for (let group = 0; group < series.length; group++) {
				const at = fill[series[group]!]!++;
				this.#records[at] = record;
				this.#groups[at] = group;
			}
		});
		this.series = Uint32Array.from(found);
		this.#starts = starts;
	}

	/** All rows of a series, in time order: value and quality. */
	table(series: number): SeriesTable {
		const first = this.#starts[series]!;
		const end = this.#starts[series + 1]!;
		let total = 0;
		for (let at = first; at < end; at++) {
			const { ends } = this.records[this.#records[at]!]!;
			const group = this.#groups[at]!;
			total += ends[group]! - (group === 0 ? 0 : ends[group - 1]!);
		}
		const times = new Float64Array(total);
		const values = new Float64Array(total);
		const words = wordsOf(values);
		const qualities = new Float64Array(total);
		let row = 0;
		for (let at = first; at < end; at++) {
			const record = this.records[this.#records[at]!]!;
			const from = this.#words[this.#records[at]!]!;
			const group = this.#groups[at]!;
			for (let i = group === 0 ? 0 : record.ends[group - 1]!; i < record.ends[group]!; i++, row++) {
				times[row] = record.times[i]!;
				words[2 * row] = from[2 * i]!;
				words[2 * row + 1] = from[2 * i + 1]!;
				if (record.qualities) qualities[row] = record.qualities[i]!;
			}
		}
		return inTimeOrder({ series, times, columns: [values, qualities] });
	}
}

function wordsOf(values: Float64Array): Uint32Array {
	return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
}
