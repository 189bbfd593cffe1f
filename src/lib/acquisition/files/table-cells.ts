/**
 * Data Acquisition, files: how the cells of a table are read. In: a table's columns and first rows, cells. Out: which
 * columns hold numbers, how a column writes them or its times, whether a cell says "failed"; and what could not be used, counted.
 */
import { usesDecimalComma } from './csv-columns';
import { numberOf, textOf, type Cell, type TableSource } from './table-source';
import { detectElapsed, detectTimeFormat, type TimeFormat } from './written-times';

const textsOf = (source: TableSource, at: number) => source.sample.map((row) => textOf(row[at]));

/** Whether a column of text writes its numbers with a comma. */
export const commaIn = (source: TableSource, at: number) =>
	source.mayUseComma && usesDecimalComma(textsOf(source, at).filter((cell) => cell.trim() !== ''));

/** `columns`: the names as a person sees them, in the source's order. */
export function numericColumns(source: TableSource, columns: readonly string[] = source.columns): Set<string> {
	return new Set(
		columns.filter((_, at) => {
			const filled = source.sample.map((row) => row[at]).filter((cell) => textOf(cell).trim() !== '');
			const comma = commaIn(source, at);
			const numbers = filled.filter((cell) => numberOf(cell, comma) !== undefined).length;
			return filled.length > 0 && numbers >= filled.length / 2;
		})
	);
}

/** Of a column whose type says that it holds times. */
function typedTimes(source: TableSource, at: number): TimeFormat | undefined {
	if (!source.timeColumns.has(source.columns[at]!)) return undefined;
	return { description: 'its type', parse: (cell) => (cell === '' ? undefined : Number(cell)) };
}

/** How a column of readings says the time: by its type, or as its cells look; also as a count from the start. */
export function readingTimesOf(source: TableSource, at: number): TimeFormat | undefined {
	const typed = typedTimes(source, at);
	if (typed) return typed;
	const cells = textsOf(source, at);
	return detectTimeFormat(cells) ?? detectElapsed(source.columns[at]!, cells, commaIn(source, at));
}

/** In a table that is learnt from: a time where the cells are dates; a plain count stays a number. */
export function timeFormatOf(source: TableSource, at: number, comma: boolean): TimeFormat | undefined {
	const typed = typedTimes(source, at);
	if (typed) return typed;
	const cells = textsOf(source, at);
	const numbers = cells.filter((cell) => numberOf(cell, comma) !== undefined).length;
	return numbers > cells.length / 2 ? undefined : detectTimeFormat(cells);
}

const noFailure = /^(|0|no?|none|false|ok|normal|healthy|running|no[ _-]?(failure|fault|error))$/i;

/** Not 0, "no", "normal" or empty. */
export function saysFailure(cell: Cell, comma: boolean): boolean {
	const value = numberOf(cell, comma);
	return value !== undefined ? value !== 0 : !noFailure.test(textOf(cell).trim());
}

export class Faults {
	private readonly found = new Map<string, { count: number; example: string }>();

	count(what: string, example: string, count = 1): void {
		const known = this.found.get(what);
		if (known) known.count += count;
		else this.found.set(what, { count, example });
	}

	list(): { what: string; count: number; example: string }[] {
		return [...this.found].map(([what, { count, example }]) => ({ what, count, example }));
	}
}
