/**
 * Data Acquisition, files: what the columns of a delimited file hold.
 *
 * In: the first rows. Out: delimiter, header, how numbers are written, a column's name and unit.
 */
import { blanks, delimiters, RowSplitter } from './csv-rows';

/** What the file says (`sep=;`, for Excel), else the delimiter that gives the first rows the same number of cells, and more than one. */
export function detectDelimiter(head: string): string {
	const said = /^\uFEFF?sep=([^\r\n])\r?\n/i.exec(head)?.[1];
	if (said !== undefined) return said;
	let best: { delimiter: string; score: number } = { delimiter: ',', score: 0 };
	for (const delimiter of [...delimiters, blanks]) {
		if (delimiter === blanks && best.score > 0) break;
		const rows = new RowSplitter(delimiter).push(head).slice(0, 50);
		if (rows.length === 0) continue;
		const counts = rows.map((row) => row.length).sort((a, b) => a - b);
		const usual = counts[counts.length >> 1]!;
		if (usual < 2) continue;
		const share = counts.filter((count) => count === usual).length / counts.length;
		const headerFits = rows[0]!.length === usual ? 1 : 0.5;
		const score = share * headerFits * (1 + Math.log2(usual) / 10);
		if (score > best.score + 1e-9) best = { delimiter, score };
	}
	return best.delimiter;
}

export interface Table {
	readonly columns: readonly string[];
	readonly hasHeader: boolean;
}

/** The header row, or made-up names when the first row already holds numbers. */
export function detectHeader(first: readonly string[], second: readonly string[] | undefined): Table {
	const isNumber = (cell: string) => parseCell(cell, true) !== undefined || parseCell(cell, false) !== undefined;
	const numbersAbove = first.filter(isNumber).length;
	const numbersBelow = (second ?? []).filter(isNumber).length;
	const hasHeader = numbersAbove === 0 || (numbersAbove < first.length / 3 && numbersBelow > numbersAbove);
	const columns = first.map((cell, index) => {
		const name = hasHeader ? cell.replace(/^\uFEFF/, '').trim() : '';
		return name === '' ? `column ${index + 1}` : name;
	});
	const seen = new Map<string, number>();
	const unique = columns.map((name) => {
		const count = (seen.get(name) ?? 0) + 1;
		seen.set(name, count);
		return count === 1 ? name : `${name} (${count})`;
	});
	return { columns: unique, hasHeader };
}

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const COMMA = /^[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?$/;
const POINT_THOUSANDS = /^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?$/;
/** Groups that cannot be a decimal point: "224.993" alone may be one, "1.224.993" and "224.993,5" may not. */
const SURELY_POINT_THOUSANDS = /^[+-]?\d{1,3}(?:(?:\.\d{3}){2,}(?:,\d*)?|\.\d{3},\d*)$/;
const COMMA_THOUSANDS = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;

/** A cell as a number; undefined if it is none. */
export function parseCell(cell: string, decimalComma: boolean): number | undefined {
	const text = cell.trim();
	if (text === '') return undefined;
	let plain: string | undefined;
	if (decimalComma) {
		if (COMMA.test(text)) plain = text.replace(',', '.');
		else if (POINT_THOUSANDS.test(text)) plain = text.replaceAll('.', '').replace(',', '.');
		else if (PLAIN.test(text)) plain = text;
	} else if (PLAIN.test(text)) plain = text;
	else if (COMMA_THOUSANDS.test(text)) plain = text.replaceAll(',', '');
	if (plain === undefined) return undefined;
	const value = Number(plain);
	return Number.isFinite(value) ? value : undefined;
}

/** True if the column's numbers are written with a decimal comma. */
export function usesDecimalComma(cells: readonly string[]): boolean {
	let comma = 0;
	let point = 0;
	for (const cell of cells) {
		const text = cell.trim();
		if (/^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$/.test(text) || SURELY_POINT_THOUSANDS.test(text)) comma++;
		else if (/^[+-]?\d*\.\d+/.test(text)) point++;
	}
	return comma > point;
}

/** "flow [l/min]" or "flow (l/min)": name and unit. */
export function splitUnit(column: string): { name: string; unit?: string } {
	const match = /^(.*\S)\s*[[(]([^\])]{1,16})[\])]\s*$/.exec(column);
	if (!match || /^\d+$/.test(match[2]!)) return { name: column };
	return { name: match[1]!.trim(), unit: match[2]!.trim() };
}

/** Columns that say what was wrong, not what was measured: a model must not see them. */
export function isLabel(column: string): boolean {
	return /^(is_?|machine[ _]?)?(anomaly|anomalous|change_?point|label|target|class|fault|failure|outlier)$/i.test(
		column.trim()
	);
}
