/** Data Acquisition, files: a delimited text file as a table. In: a File. Out: a `TableSource` of text cells. */
import { MillwrightError } from '../../contracts';
import { detectDelimiter } from './csv-columns';
import { findTable, type TableLayout } from './csv-layout';
import { readHead, readRows, RowSplitter } from './csv-rows';
import type { TableChunk, TableSource } from './table-source';

const HEAD_CHARACTERS = 256 * 1024;
export const SAMPLE_ROWS = 500;
const DELIMITER_NAMES: Readonly<Record<string, string>> = {
	',': 'comma',
	';': 'semicolon',
	'\t': 'tab',
	'|': 'vertical bar',
	' ': 'blanks'
};

export class CsvSource implements TableSource {
	readonly format = 'csv';
	readonly timeColumns = new Set<string>();
	readonly columns: readonly string[];
	readonly notes: readonly string[];

	private constructor(
		private readonly file: File,
		readonly delimiter: string,
		private readonly layout: TableLayout,
		readonly sample: readonly (readonly string[])[]
	) {
		this.columns = layout.columns;
		this.notes = [...layout.notes, `Cells are separated by ${DELIMITER_NAMES[delimiter] ?? delimiter}.`];
	}

	get mayUseComma(): boolean {
		return this.delimiter !== ',';
	}

	/** @throws MillwrightError `invalid-file` */
	static async open(file: File, delimiter?: string): Promise<CsvSource> {
		const head = await readHead(file, HEAD_CHARACTERS);
		if (head.trim() === '') throw new MillwrightError('invalid-file', `${file.name} is empty`);
		const used = delimiter || detectDelimiter(head);
		const splitter = new RowSplitter(used);
		let rows = splitter.push(head);
		// The last line of a long file is cut off by the sample; that of a short one is whole.
		if (head.length < HEAD_CHARACTERS) rows = rows.concat(splitter.end());
		if (rows.length === 0) throw new MillwrightError('invalid-file', `${file.name} has no rows that fit a table`);
		const layout = findTable(rows.slice(0, SAMPLE_ROWS));
		const sample = rows.slice(layout.rowsAbove, SAMPLE_ROWS);
		return new CsvSource(file, used, layout, layout.cellsOf ? sample.map(layout.cellsOf) : sample);
	}

	async *read(signal?: AbortSignal): AsyncGenerator<TableChunk> {
		const { rowsAbove, cellsOf } = this.layout;
		let row = 0;
		for await (const { rows, bytesRead } of readRows(this.file, this.delimiter, signal)) {
			const skip = Math.min(rows.length, Math.max(0, rowsAbove - row));
			const data = skip > 0 ? rows.slice(skip) : rows;
			yield { rows: cellsOf ? data.map(cellsOf) : data, bytesRead, firstRow: row + skip + 1 };
			row += rows.length;
		}
	}
}
