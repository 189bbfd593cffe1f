/**
 * Storage: this context's view of the open tail: the journal's records and the newest row of every series.
 *
 * `snapshot` runs inside a transaction and gives exactly the journal that this transaction sees, reading only records it has not
 * seen before, so that a page, a worker and another tab each follow the journal cheaply and the seam to the segments is exact.
 */
import { journalState, type JournalState, type SeriesTables } from './database';
import { journalTable, openJournal, type JournalRecord } from './journal';

export interface Newest {
	readonly time: number;
	readonly value: number;
	readonly quality: number;
}

export interface TailSnapshot {
	readonly state: JournalState;
	readonly records: readonly JournalRecord[];
}

export class Tail {
	private records: readonly JournalRecord[] = [];
	private times = new Float64Array(256).fill(-Infinity);
	private values = new Float64Array(256);
	private qualities = new Uint8Array(256);
	/** Of the records: counted as they come, since a large plant's journal has millions of groups. */
	private readings = 0;
	private seriesPending = 0;
	private isPending = new Uint8Array(256);
	seq = -1;
	epoch = -1;

	newestTime(series: number): number {
		return series < this.times.length ? this.times[series]! : -Infinity;
	}

	newest(series: number): Newest | undefined {
		const time = this.newestTime(series);
		if (time === -Infinity) return undefined;
		return { time, value: this.values[series]!, quality: this.qualities[series]! };
	}

	/** The journal as this context last saw it: readings, distinct series, and when its oldest record was written. */
	get pending(): { readings: number; series: number; oldest: number } {
		return { readings: this.readings, series: this.seriesPending, oldest: this.records[0]?.at ?? Infinity };
	}

	/** The records known now; exact only right after a snapshot. */
	get known(): readonly JournalRecord[] {
		return this.records;
	}

	/** `tables`: of a transaction over all three. */
	async snapshot(tables: Pick<SeriesTables, 'state' | 'journal' | 'tails'>): Promise<TailSnapshot> {
		const state = await journalState(tables);
		if (this.epoch !== state.epoch || this.seq < state.sealed) {
			// First look, or records were sealed or removed unseen: the newest rows come from the sealed tails.
			const tails = await tables.tails.toArray();
			const rows = await tables.journal.where('seq').between(state.sealed, state.seq, false, true).toArray();
			const records = rows.map(openJournal);
			if (this.epoch > state.epoch || (this.epoch === state.epoch && this.seq >= state.seq)) return { state, records };
			this.times.fill(-Infinity);
			for (const tail of tails)
				for (let i = 0; i < tail.series.length; i++)
					this.note(tail.series[i]!, tail.times[i]!, tail.values[i]!, tail.qualities[i]!);
			this.epoch = state.epoch;
			this.seq = state.sealed;
			this.hold([]);
			for (const record of records) this.add(record);
			this.seq = state.seq;
			return { state, records };
		}
		const has = this.records.filter((record) => record.seq > state.sealed && record.seq <= state.seq);
		const firstKnown = has[0]?.seq ?? Infinity;
		const lastKnown = has[has.length - 1]?.seq ?? state.sealed;
		let records: readonly JournalRecord[] = has;
		if (has.length < state.seq - state.sealed) {
			const before =
				firstKnown !== Infinity && firstKnown > state.sealed + 1
					? await tables.journal.where('seq').between(state.sealed, firstKnown, false, false).toArray()
					: [];
			const after =
				lastKnown < state.seq
					? await tables.journal.where('seq').between(lastKnown, state.seq, false, true).toArray()
					: [];
			const later = after.map(openJournal);
			records = [...before.map(openJournal), ...has, ...later];
			for (const record of later) this.add(record);
		}
		if (state.seq > this.seq) this.seq = state.seq;
		if (this.records.length > 0 && this.records[0]!.seq <= state.sealed)
			this.hold(this.records.filter((record) => record.seq > state.sealed));
		return { state, records };
	}

	/** A record that this context has just committed, or has read. */
	add(record: JournalRecord): void {
		if (record.seq <= this.seq) return;
		this.records = [...this.records, record];
		this.count(record);
		this.seq = record.seq;
		for (let group = 0; group < record.series.length; group++) {
			const last = record.ends[group]! - 1;
			this.note(record.series[group]!, record.times[last]!, record.values[last]!, record.qualities?.[last] ?? 0);
		}
	}

	private hold(records: readonly JournalRecord[]): void {
		this.records = records;
		this.readings = 0;
		this.seriesPending = 0;
		this.isPending.fill(0);
		for (const record of records) this.count(record);
	}

	private count({ readings, series }: JournalRecord): void {
		this.readings += readings;
		const last = series[series.length - 1] ?? 0;
		if (last >= this.isPending.length) {
			const larger = new Uint8Array(Math.max(last + 1, 2 * this.isPending.length));
			larger.set(this.isPending);
			this.isPending = larger;
		}
		for (let group = 0; group < series.length; group++) {
			if (this.isPending[series[group]!] === 1) continue;
			this.isPending[series[group]!] = 1;
			this.seriesPending++;
		}
	}

	private note(series: number, time: number, value: number, quality: number): void {
		if (series >= this.times.length) {
			const size = Math.max(series + 1, this.times.length * 2);
			const times = new Float64Array(size).fill(-Infinity);
			times.set(this.times);
			this.times = times;
			const values = new Float64Array(size);
			values.set(this.values);
			this.values = values;
			const qualities = new Uint8Array(size);
			qualities.set(this.qualities);
			this.qualities = qualities;
		}
		if (time < this.times[series]!) return;
		this.times[series] = time;
		this.values[series] = value;
		this.qualities[series] = quality;
	}
}

/** A record's groups as tables. */
export function tablesOf(record: JournalRecord) {
	return Array.from(record.series, (_, group) => journalTable(record, group));
}
