/**
 * Data Acquisition, files: one JSON object per line (NDJSON, JSON Lines) as a table.
 *
 * In: a File. Out: a `TableSource`; columns are the fields of the first lines, those of nested objects joined by dots ("values.flow").
 */
import { MillwrightError } from '../../contracts';
import { describeValue, parseJson } from '../decode/numbers';
import { readHead, readText } from './csv-rows';
import { SAMPLE_ROWS } from './csv-source';
import type { BadRow, Cell, TableChunk, TableSource } from './table-source';

const HEAD_CHARACTERS = 512 * 1024;
const MAX_LINE_CHARACTERS = 4_000_000;
const MAX_COLUMNS = 2_000;
const MAX_DEPTH = 8;

export class NdjsonSource implements TableSource {
	readonly format = 'ndjson';
	readonly delimiter = '';
	readonly mayUseComma = false;
	readonly timeColumns = new Set<string>();
	readonly notes = ['One JSON object per line.'];
	readonly #at: ReadonlyMap<string, number>;

	private constructor(
		private readonly file: File,
		readonly columns: readonly string[],
		readonly sample: readonly (readonly Cell[])[]
	) {
		this.#at = new Map(columns.map((column, at) => [column, at]));
	}

	/** @throws MillwrightError `invalid-file` */
	static async open(file: File): Promise<NdjsonSource> {
		const head = await readHead(file, HEAD_CHARACTERS);
		if (head.trim() === '') throw new MillwrightError('invalid-file', `${file.name} is empty`);
		const lines = head.split(/\r?\n/);
		if (head.length >= HEAD_CHARACTERS && lines.length > 1) lines.pop();
		const columns = new Map<string, number>();
		const objects: Map<string, Cell>[] = [];
		let first: string | undefined;
		for (const line of lines.slice(0, SAMPLE_ROWS)) {
			if (line.trim() === '') continue;
			const fields = fieldsOf(line.replace(/^\uFEFF/, ''));
			if (!(fields instanceof Map)) {
				first ??= fields.message;
				continue;
			}
			objects.push(fields);
			for (const name of fields.keys())
				if (columns.size < MAX_COLUMNS && !columns.has(name)) columns.set(name, columns.size);
		}
		if (objects.length === 0)
			throw new MillwrightError(
				'invalid-file',
				`${file.name} holds no JSON objects, one per line: ${first ?? 'it is empty'}`
			);
		if (columns.size === 0) throw new MillwrightError('invalid-file', `The objects of ${file.name} are empty`);
		const names = [...columns.keys()];
		return new NdjsonSource(
			file,
			names,
			objects.map((fields) => names.map((name) => fields.get(name)))
		);
	}

	async *read(signal?: AbortSignal): AsyncGenerator<TableChunk> {
		let rest = '';
		let line = 0;
		for await (const { text, bytesRead } of readText(this.file, signal)) {
			const lines = (rest + text).split('\n');
			rest = lines.pop()!;
			if (rest.length > MAX_LINE_CHARACTERS)
				throw new MillwrightError('invalid-file', `Line ${line + lines.length + 1} is longer than 4 MB`);
			if (lines.length > 0) yield this.#chunk(lines, line, bytesRead);
			line += lines.length;
		}
		yield this.#chunk([rest], line, this.file.size);
	}

	#chunk(lines: readonly string[], before: number, bytesRead: number): TableChunk {
		const rows: (readonly Cell[] | BadRow)[] = [];
		const rowNumbers: number[] = [];
		let unknown: { count: number; message: string } | undefined;
		lines.forEach((text, i) => {
			const line = before === 0 && i === 0 ? text.replace(/^\uFEFF/, '') : text;
			if (line.trim() === '') return;
			rowNumbers.push(before + i + 1);
			const fields = fieldsOf(line);
			if (!(fields instanceof Map)) {
				rows.push(fields);
				return;
			}
			const row = new Array<Cell>(this.columns.length);
			for (const [name, value] of fields) {
				const at = this.#at.get(name);
				if (at !== undefined) row[at] = value;
				else if (typeof value === 'number')
					unknown = {
						count: (unknown?.count ?? 0) + 1,
						message: `row ${before + i + 1}: field "${name}" is not among the columns of the first rows`
					};
			}
			rows.push(row);
		});
		return { rows, bytesRead, firstRow: before + 1, rowNumbers, ...(unknown && { unknown }) };
	}
}

/** Fields of one line's object, flat. Lists are no cells; null is a cell that is missing. */
function fieldsOf(line: string): Map<string, Cell> | BadRow {
	const bad = (message: string): BadRow => ({ reason: 'invalid-json', text: line.slice(0, 500), message });
	let parsed: unknown;
	try {
		parsed = parseJson(line);
	} catch (error) {
		return bad(`no JSON (${(error as Error).message})`);
	}
	if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
		return bad(`${describeValue(parsed)} is no JSON object`);
	const fields = new Map<string, Cell>();
	const take = (object: object, prefix: string, depth: number) => {
		for (const [name, value] of Object.entries(object) as [string, unknown][]) {
			if (typeof value === 'number' || typeof value === 'string') fields.set(prefix + name, value);
			else if (typeof value === 'boolean') fields.set(prefix + name, value ? 1 : 0);
			else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < MAX_DEPTH)
				take(value, `${prefix}${name}.`, depth + 1);
		}
	};
	take(parsed, '', 1);
	return fields;
}
