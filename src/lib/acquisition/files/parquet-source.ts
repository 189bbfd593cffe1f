/**
 * Data Acquisition, files: a Parquet file as a table (hyparquet). In: a File. Out: a `TableSource`; one row group of the wanted columns is in memory at a time.
 * Loaded only when a file needs it.
 */
import { parquetMetadataAsync, parquetRead, parquetSchema, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { MillwrightError } from '../../contracts';
import { SAMPLE_ROWS } from './csv-source';
import { isGzip } from './csv-rows';
import type { Cell, TableChunk, TableSource } from './table-source';

const ROWS_PER_CHUNK = 5_000;

const MOST_GROUP_ROWS = 50_000_000n;
const MOST_COLUMN_BYTES = 2_000_000_000n;

/** Times as epoch milliseconds, exact to the float's last digit instead of whole milliseconds. */
const parsers = {
	timestampFromMilliseconds: (millis: bigint) => Number(millis),
	timestampFromMicroseconds: (micros: bigint) => Number(micros / 1000n) + Number(micros % 1000n) / 1e3,
	timestampFromNanoseconds: (nanos: bigint) => Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / 1e6,
	dateFromDays: (days: number) => days * 86_400_000
};

interface Column {
	readonly name: string;
	readonly time: boolean;
	/** The time is a clock's reading without zone: this device's local time, as in every file. */
	readonly local: boolean;
}

export class ParquetSource implements TableSource {
	readonly format = 'parquet';
	readonly delimiter = '';
	readonly mayUseComma = false;
	readonly notes: readonly string[];
	sample: readonly (readonly Cell[])[] = [];
	readonly columns: readonly string[];
	readonly timeColumns: ReadonlySet<string>;

	private constructor(
		private readonly name: string,
		private readonly size: number,
		private readonly buffer: AsyncBuffer,
		private readonly metadata: FileMetaData,
		private readonly described: readonly Column[],
		leftOut: readonly string[]
	) {
		this.columns = described.map((column) => column.name);
		this.timeColumns = new Set(described.filter((column) => column.time).map((column) => column.name));
		this.notes = [
			`Parquet with ${Number(metadata.num_rows).toLocaleString('en-GB')} rows.`,
			...leftOut.map((column) => `"${column}" holds lists or structures and is left out.`)
		];
	}

	/** @throws MillwrightError `invalid-file` */
	static async open(file: File): Promise<ParquetSource> {
		const plain = (await isGzip(file)) ? await unpack(file) : file;
		const buffer: AsyncBuffer = {
			byteLength: plain.size,
			// A damaged footer points anywhere.
			slice: (start, end = plain.size) => {
				if (!(start >= 0 && start <= end && end <= plain.size))
					throw new MillwrightError('invalid-file', `${file.name} is damaged: it refers to bytes outside of itself`);
				return plain.slice(start, end).arrayBuffer();
			}
		};
		const source = await named(file.name, async () => {
			const metadata = await parquetMetadataAsync(buffer);
			const described: Column[] = [];
			const leftOut: string[] = [];
			for (const { element, children } of parquetSchema(metadata).children) {
				if (children.length > 0 || element.repetition_type === 'REPEATED') {
					leftOut.push(element.name);
					continue;
				}
				const { converted_type: converted, logical_type: logical } = element;
				const stamp = logical?.type === 'TIMESTAMP';
				const time = stamp || converted?.startsWith('TIMESTAMP') || converted === 'DATE' || element.type === 'INT96';
				const local = (stamp && !logical.isAdjustedToUTC) || converted === 'DATE';
				described.push({ name: element.name, time: time ?? false, local });
			}
			return new ParquetSource(file.name, file.size, buffer, metadata, described, leftOut);
		});
		if (!(await named(file.name, async () => countsFit(source.metadata))))
			throw new MillwrightError('invalid-file', `${file.name} is damaged: its row counts do not fit`);
		if (source.columns.length === 0 || source.metadata.num_rows === 0n)
			throw new MillwrightError('invalid-file', `${file.name} has no rows that fit a table`);
		const rows = Math.min(SAMPLE_ROWS, Number(source.metadata.num_rows));
		source.sample = source.#rows(await named(file.name, () => source.#load(0, rows, source.columns)), 0, rows);
		return source;
	}

	async *read(signal?: AbortSignal, wanted: readonly string[] = this.columns): AsyncGenerator<TableChunk> {
		const total = Number(this.metadata.num_rows);
		let start = 0;
		for (const group of this.metadata.row_groups) {
			if (signal?.aborted) throw new MillwrightError('aborted', 'Import cancelled');
			const count = Number(group.num_rows);
			const held = await named(`${this.name}, rows ${start + 1} to ${start + count},`, () =>
				this.#load(start, start + count, wanted)
			);
			for (let at = start; at < start + count; at += ROWS_PER_CHUNK) {
				if (signal?.aborted) throw new MillwrightError('aborted', 'Import cancelled');
				const end = Math.min(at + ROWS_PER_CHUNK, start + count);
				yield { rows: this.#rows(held, at, end), bytesRead: Math.round((this.size * end) / total), firstRow: at + 1 };
			}
			start += count;
		}
	}

	/** Decoded columns of some rows, as the reader gives them. */
	async #load(from: number, to: number, wanted: readonly string[]): Promise<Piece[]> {
		const pieces: Piece[] = [];
		const columns = this.columns.filter((name) => wanted.includes(name));
		if (columns.length === 0) return pieces;
		await parquetRead({
			file: this.buffer,
			metadata: this.metadata,
			columns,
			rowStart: from,
			rowEnd: to,
			compressors,
			parsers,
			onChunk: ({ columnName, columnData, rowStart }) => {
				pieces.push({ at: this.columns.indexOf(columnName), start: rowStart, data: columnData });
			}
		});
		return pieces;
	}

	#rows(pieces: readonly Piece[], from: number, to: number): Cell[][] {
		const rows = Array.from({ length: to - from }, () => new Array<Cell>(this.columns.length));
		for (const { at, start, data } of pieces) {
			const column = this.described[at]!;
			for (let row = Math.max(from, start); row < Math.min(to, start + data.length); row++)
				rows[row - from]![at] = toCell(data[row - start], column);
		}
		return rows;
	}
}

interface Piece {
	readonly at: number;
	readonly start: number;
	readonly data: ArrayLike<unknown>;
}

function countsFit({ row_groups, num_rows }: FileMetaData): boolean {
	return row_groups.reduce((sum, group) => sum + group.num_rows, 0n) === num_rows && row_groups.every(isPossible);
}

/** Row counts that agree, and are within what can be held: a group is decoded whole. */
function isPossible({ num_rows, columns }: FileMetaData['row_groups'][number]): boolean {
	if (num_rows < 0n || num_rows > MOST_GROUP_ROWS) return false;
	return columns.every(({ meta_data: meta }) => {
		const sizes = [meta?.total_compressed_size ?? 0n, meta?.total_uncompressed_size ?? 0n];
		const flat = meta?.path_in_schema.length !== 1 || meta.num_values === num_rows;
		return flat && sizes.every((size) => size >= 0n && size <= MOST_COLUMN_BYTES);
	});
}

function toCell(value: unknown, { local }: Column): Cell {
	if (typeof value === 'number') return local ? fromWallClock(value) : value;
	if (typeof value === 'bigint') return Number(value);
	if (typeof value === 'string') return value;
	return typeof value === 'boolean' ? Number(value) : undefined;
}

function fromWallClock(ms: number): number {
	const at = new Date(Math.floor(ms));
	const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
	return (
		new Date(year, month, day, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()).getTime() +
		(((ms % 1000) + 1000) % 1000)
	);
}

async function unpack(file: File): Promise<Blob> {
	return named(file.name, () => new Response(file.stream().pipeThrough(new DecompressionStream('gzip'))).blob());
}

/** What the reader throws, as an error that names the file. */
async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof MillwrightError) throw error;
		const said = error instanceof Error ? error.message : String(error);
		throw new MillwrightError('invalid-file', `${name} cannot be read as Parquet: ${said}`);
	}
}
