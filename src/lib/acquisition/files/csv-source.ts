/** Data Acquisition, files: a delimited text file as a table. In: a File. Out: a `TableSource` of text cells. */
import { MillwrightError } from '../../contracts';
import { detectDelimiter, detectHeader } from './csv-columns';
import { readHead, readRows, RowSplitter } from './csv-rows';
import type { TableChunk, TableSource } from './table-source';

const HEAD_CHARACTERS = 256 * 1024;
export const SAMPLE_ROWS = 500;

export class CsvSource implements TableSource {
	readonly format = 'csv';
	readonly timeColumns = new Set<string>();

	private constructor(
		private readonly file: File,
		readonly delimiter: string,
		readonly columns: readonly string[],
		private readonly hasHeader: boolean,
		readonly sample: readonly (readonly string[])[]
	) {}

	get mayUseComma(): boolean {
		return this.delimiter !== ',';
	}

	get notes(): readonly string[] {
		const names: Record<string, string> = {
			',': 'comma',
			';': 'semicolon',
			'\t': 'tab',
			'|': 'vertical bar',
			' ': 'blanks'
		};
		return [
			...(this.hasHeader ? [] : ['The first row holds numbers, so the columns were given names.']),
			`Cells are separated by ${names[this.delimiter] ?? this.delimiter}.`
		];
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
		const first = rows[0];
		if (!first) throw new MillwrightError('invalid-file', `${file.name} has no rows that fit a table`);
		const { columns, hasHeader } = detectHeader(first, rows[1]);
		return new CsvSource(file, used, columns, hasHeader, rows.slice(hasHeader ? 1 : 0, SAMPLE_ROWS));
	}

	async *read(signal?: AbortSignal): AsyncGenerator<TableChunk> {
		let row = 0;
		for await (const { rows, bytesRead } of readRows(this.file, this.delimiter, signal)) {
			const skip = row === 0 && this.hasHeader && rows.length > 0 ? 1 : 0;
			yield { rows: skip ? rows.slice(1) : rows, bytesRead, firstRow: row + skip + 1 };
			row += rows.length;
		}
	}
}
