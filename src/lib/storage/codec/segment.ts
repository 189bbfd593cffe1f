/**
 * Storage codec: a segment, the immutable unit of stored telemetry: some sensors of one machine over one time span.
 *
 * In: one table per series (times plus columns of equal length, in time order). Out: one Uint8Array with header, CRC-32 and every
 * column coded on its own, so that a query decodes only what it asks for. Sensors that share their times share one time column.
 */
import { MillwrightError } from '../../contracts';
import { ByteReader, ByteWriter, crc32 } from './bytes';
import { decodeColumn, encodeColumn } from './column';

/** Rows of one series in time order. Raw: value, quality. Rollup: count, min, max, mean above min, last, quality. */
export interface SeriesTable {
	readonly series: number;
	readonly times: Float64Array;
	readonly columns: readonly Float64Array[];
}

const MAGIC = 0x4753574d; // "MWSG"
const VERSION = 1;

export function encodeSegment(tables: readonly SeriesTable[]): Uint8Array<ArrayBuffer> {
	const timeColumns: Float64Array[] = [];
	const timeIndex = tables.map((table) => {
		const known = timeColumns.findIndex((times) => sameNumbers(times, table.times));
		return known >= 0 ? known : timeColumns.push(table.times) - 1;
	});
	const head = new ByteWriter();
	const body = new ByteWriter();
	head.varint(timeColumns.length);
	for (const times of timeColumns) {
		const coded = encodeColumn(times);
		head.varint(times.length);
		head.varint(coded.length);
		body.run(coded);
	}
	head.varint(tables.length);
	tables.forEach((table, i) => {
		head.varint(table.series);
		head.varint(timeIndex[i]!);
		head.varint(table.columns.length);
		table.columns.forEach((column, c) => {
			// Rollups of slow sensors have one reading a bucket: min, max, mean and last are one column.
			const same = table.columns.findIndex((other) => sameBits(other, column));
			if (same < c) {
				head.varint(2 * same + 1);
				return;
			}
			const coded = encodeColumn(column);
			head.varint(2 * coded.length);
			body.run(coded);
		});
	});
	const content = new ByteWriter();
	content.varint(head.length);
	content.run(head.take());
	content.run(body.take());
	const bytes = content.take();
	const out = new ByteWriter();
	out.uint32(MAGIC);
	out.byte(VERSION);
	out.uint32(crc32(bytes));
	out.run(bytes);
	return out.take();
}

/** A segment opened for reading; columns are decoded on first use and kept. */
export class Segment {
	private readonly timeRuns: { rows: number; bytes: Uint8Array; decoded?: Float64Array }[] = [];
	private readonly bySeries = new Map<
		number,
		{ time: number; runs: Uint8Array[]; decoded: (Float64Array | undefined)[] }
	>();
	/** Bytes held: coded plus decoded so far. */
	weight: number;

	/** Throws MillwrightError ('invalid-file') when the bytes are damaged or of an unknown version. */
	constructor(bytes: Uint8Array) {
		this.weight = bytes.length;
		const reader = new ByteReader(bytes);
		if (bytes.length < 9 || reader.uint32() !== MAGIC)
			throw new MillwrightError('invalid-file', 'Not a stored segment');
		const version = reader.byte();
		if (version !== VERSION)
			throw new MillwrightError('invalid-file', `Stored segment has version ${version}; this program reads ${VERSION}`);
		const expected = reader.uint32();
		const content = bytes.subarray(reader.at);
		if (crc32(content) !== expected) throw new MillwrightError('invalid-file', 'Stored segment is damaged (checksum)');
		const headLength = reader.varint();
		const head = new ByteReader(reader.run(headLength));
		const times = head.varint();
		for (let i = 0; i < times; i++) {
			const rows = head.varint();
			this.timeRuns.push({ rows, bytes: reader.run(head.varint()) });
		}
		const count = head.varint();
		for (let i = 0; i < count; i++) {
			const series = head.varint();
			const time = head.varint();
			const runs: Uint8Array[] = [];
			const columns = head.varint();
			for (let c = 0; c < columns; c++) {
				const stated = head.varint();
				const run = stated % 2 === 0 ? reader.run(stated / 2) : runs[(stated - 1) / 2];
				if (!run) throw new MillwrightError('invalid-file', 'Stored segment refers to a column that it has not');
				runs.push(run);
			}
			this.bySeries.set(series, { time, runs, decoded: [] });
		}
	}

	series(): number[] {
		return [...this.bySeries.keys()];
	}

	has(series: number): boolean {
		return this.bySeries.has(series);
	}

	rows(series: number): number {
		const entry = this.bySeries.get(series);
		return entry ? this.timeRuns[entry.time]!.rows : 0;
	}

	times(series: number): Float64Array {
		const run = this.timeRuns[this.bySeries.get(series)!.time]!;
		if (!run.decoded) {
			run.decoded = decodeColumn(run.bytes, run.rows);
			this.weight += run.decoded.byteLength;
		}
		return run.decoded;
	}

	column(series: number, index: number): Float64Array {
		const entry = this.bySeries.get(series)!;
		let column = entry.decoded[index];
		if (!column) {
			const same = entry.runs.indexOf(entry.runs[index]!);
			if (same < index) return (entry.decoded[index] = this.column(series, same));
			column = decodeColumn(entry.runs[index]!, this.timeRuns[entry.time]!.rows);
			entry.decoded[index] = column;
			this.weight += column.byteLength;
		}
		return column;
	}

	table(series: number): SeriesTable {
		const columns = this.bySeries.get(series)!.runs.map((_, index) => this.column(series, index));
		return { series, times: this.times(series), columns };
	}

	tables(): SeriesTable[] {
		return this.series().map((series) => this.table(series));
	}
}

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
	if (a === b) return true;
	if (a.length !== b.length || a[0] !== b[0] || a[a.length - 1] !== b[b.length - 1]) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
	if (a === b) return true;
	const left = new Uint32Array(a.buffer, a.byteOffset, 2 * a.length);
	const right = new Uint32Array(b.buffer, b.byteOffset, 2 * b.length);
	for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
	return true;
}
