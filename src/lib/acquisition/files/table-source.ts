/**
 * Data Acquisition, files: what a file of any format looks like to an import: columns, first rows, and rows in a stream.
 *
 * In: a File. Out: a `TableSource`, chosen by name and first bytes; the readers of Parquet are fetched when a file needs them.
 */
import { MillwrightError, type FileFormat } from '../../contracts';
import { parseCell } from './csv-columns';
import { CsvSource } from './csv-source';
import { readHead } from './csv-rows';
import { NdjsonSource } from './ndjson-source';

/** Text as it stands, a number, or nothing. */
export type Cell = string | number | undefined;

export const textOf = (cell: Cell): string => (cell === undefined ? '' : String(cell));

/** A finite number, or undefined. */
export function numberOf(cell: Cell, decimalComma: boolean): number | undefined {
	if (typeof cell === 'number') return Number.isFinite(cell) ? cell : undefined;
	return cell === undefined ? undefined : parseCell(cell, decimalComma);
}

/** A row that could not be read at all. */
export interface BadRow {
	readonly reason: 'invalid-json';
	readonly text: string;
	readonly message: string;
}

export interface TableChunk {
	/** Cells in the order of the columns. */
	readonly rows: readonly (readonly Cell[] | BadRow)[];
	/** Bytes of the file, as stored, read so far. */
	readonly bytesRead: number;
	/** Number of the first of these rows as a person counts them in the file, and of each after it when they do not follow. */
	readonly firstRow: number;
	readonly rowNumbers?: readonly number[];
	/** A field that is no column, where rows are objects. */
	readonly unknown?: { readonly count: number; readonly message: string };
}

export interface TableSource {
	readonly format: FileFormat;
	readonly columns: readonly string[];
	/** Rows to judge the columns by. */
	readonly sample: readonly (readonly Cell[])[];
	readonly delimiter: string;
	/** Whether numbers in text may be written with a comma. */
	readonly mayUseComma: boolean;
	/** Columns whose numbers are known to be times, in epoch milliseconds. */
	readonly timeColumns: ReadonlySet<string>;
	/** About the file's form, for a person. */
	readonly notes: readonly string[];
	/** Rows one after another; `wanted` columns suffice. @throws MillwrightError `invalid-file`, `aborted` */
	read(signal?: AbortSignal, wanted?: readonly string[]): AsyncIterable<TableChunk>;
}

/** @throws MillwrightError `invalid-file` */
export async function openTable(file: File, delimiter?: string): Promise<TableSource> {
	const format = await formatOf(file);
	if (format === 'ndjson') return NdjsonSource.open(file);
	if (format === 'csv') return CsvSource.open(file, delimiter);
	const { ParquetSource } = await import('./parquet-source');
	return ParquetSource.open(file);
}

async function formatOf(file: File): Promise<FileFormat> {
	if (file.size === 0) throw new MillwrightError('invalid-file', `${file.name} is empty`);
	const name = file.name.replace(/\.gz(ip)?$/i, '');
	if (/\.(parquet|pq)$/i.test(name)) return 'parquet';
	if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
	if (/\.(csv|tsv)$/i.test(name)) return 'csv';
	const start = new TextDecoder('latin1').decode(await file.slice(0, 4).arrayBuffer());
	if (start === 'PAR1') return 'parquet';
	const head = await readHead(file, 200).catch(() => '');
	return /^\uFEFF?\s*\{/.test(head) ? 'ndjson' : 'csv';
}
