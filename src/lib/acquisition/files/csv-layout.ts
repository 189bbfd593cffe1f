/**
 * Data Acquisition, files: where the table is in a delimited file, as loggers and control systems export it.
 *
 * In: the first rows. Out: how many rows stand above the data (a report's title, `sep=;`, the header, a row of units), the columns' names with
 * their units, and whether date and time of day stand in two columns, which then are one.
 */
import { guessKind } from '../sensor-kind';
import { detectHeader, parseCell, splitUnit } from './csv-columns';
import { detectTimeFormat, isClockTime } from './written-times';

export interface TableLayout {
	/** Rows above the first one of data. */
	readonly rowsAbove: number;
	readonly columns: readonly string[];
	/** About the form, for a person. */
	readonly notes: readonly string[];
	/** A row of the file as cells of `columns`, where they differ. */
	readonly cellsOf?: (row: string[]) => string[];
}

const MOST_ROWS_ABOVE = 100;
const SEPARATOR_LINE = /^\uFEFF?sep=.?$/i;
/** "°C", "[l/min]", "m/s²"; in the time's column also a pattern such as "dd.mm.yyyy hh:mm". */
const UNIT = /^[[(]?[°%‰µμΩ"a-zäöü²³/·*^.\-0-9 ]{1,16}[\])]?$/i;
const TIME_PATTERN = /^[dmyhstj:.\-/ ]{4,}$/i;
const MORE_UNITS = /^(%|‰|s|sec|ms|min|h|[kmg]?wh|kg|g|t|db|ohm|Ω|l|m3|m³|nm3|pcs|%rh)$/i;

/** Rows as a splitter gave them, blank lines left out; at least one. */
export function findTable(rows: readonly string[][]): TableLayout {
	const notes: string[] = [];
	const start = startOf(rows);
	const titles = rows.slice(0, start).filter((row) => !SEPARATOR_LINE.test(row.join('').trim())).length;
	if (titles > 0) notes.push(`${titles} ${titles === 1 ? 'row' : 'rows'} above the table left out.`);
	const { columns: names, hasHeader } = detectHeader(rows[start]!, rows[start + 1]);
	if (!hasHeader) notes.push('The first row holds numbers, so the columns were given names.');
	let rowsAbove = start + (hasHeader ? 1 : 0);
	let columns = [...names];
	const units = hasHeader ? unitsIn(rows[rowsAbove], rows[rowsAbove + 1]) : undefined;
	if (units) rowsAbove++;
	const data = rows.slice(rowsAbove);
	if (units) {
		notes.push('The row below the names holds units.');
		columns = columns.map((name, at) =>
			withUnit(
				name,
				units[at] ?? '',
				data.slice(0, 20).map((row) => row[at] ?? '')
			)
		);
	}
	const pair = dateAndClock(data);
	if (!pair) return { rowsAbove, columns, notes };
	const { date, clock } = pair;
	// Blanks between cells divide times that one name stands above.
	const isNamedOnce = columns.length === (data[0]?.length ?? 0) - 1;
	if (!isNamedOnce) {
		notes.push(`"${columns[date]}" and "${columns[clock]}" together say the time.`);
		columns[date] = `${columns[date]} ${columns[clock]}`;
		columns.splice(clock, 1);
	}
	const cellsOf = (row: string[]) => {
		const joined = [...row];
		joined[date] = `${row[date]?.trim() ?? ''} ${row[clock]?.trim() ?? ''}`.trim();
		joined.splice(clock, 1);
		return joined;
	};
	return { rowsAbove, columns, notes, cellsOf };
}

/** Index of the header, or of the first row of data where there is none. */
function startOf(rows: readonly string[][]): number {
	const labView = rows.findLastIndex((row) => row[0]?.trim() === '***End_of_Header***');
	if (labView >= 0 && labView + 1 < rows.length) return labView + 1;
	const from = SEPARATOR_LINE.test(rows[0]!.join('').trim()) && rows.length > 1 ? 1 : 0;
	const counts = rows.slice(from).map((row) => row.length);
	const usual = [...counts].sort((a, b) => a - b)[counts.length >> 1]!;
	const filled = (row: readonly string[]) => row.filter((cell) => cell.trim() !== '').length;
	const isTop = (row: readonly string[]) => filled(row) >= 2 && filled(row) >= usual - 1;
	if (usual < 2 || isTop(rows[from]!) || rows[from]!.length === usual) return from;
	for (let at = from + 1; at < Math.min(rows.length - 1, from + MOST_ROWS_ABOVE); at++) {
		const below = rows.slice(at + 1, at + 4);
		if (isTop(rows[at]!) && below.every((row) => row.length === usual)) return at;
	}
	return from;
}

/** "[l/min]" or "(l/min)" without what surrounds it. */
const bare = (unit: string) => unit.replace(/^[[(]|[\])]$/g, '');

/** "Temp [°C]"; a column of times keeps its name unless they are counted from the start. */
function withUnit(name: string, cell: string, below: readonly string[]): string {
	const unit = bare(cell.trim());
	if (unit === '' || unit === '-' || TIME_PATTERN.test(unit) || splitUnit(name).unit) return name;
	return detectTimeFormat(below) || below.every((one) => isClockTime(one)) ? name : `${name} [${unit}]`;
}

/** The cells of a row that holds units alone, above rows of numbers. */
function unitsIn(
	row: readonly string[] | undefined,
	below: readonly string[] | undefined
): readonly string[] | undefined {
	if (!row || !below) return undefined;
	const told = row.map((cell) => cell.trim()).filter((cell) => cell !== '');
	const isNumber = (cell = '') => parseCell(cell, true) !== undefined;
	const fits = told.every(
		(cell) => !isNumber(cell) && (UNIT.test(cell) || TIME_PATTERN.test(cell)) && !detectTimeFormat([cell])
	);
	const known = told.some((cell) => MORE_UNITS.test(bare(cell)) || guessKind('', bare(cell)) !== 'other');
	const overNumbers = row.some((cell, at) => cell.trim() !== '' && isNumber(below[at]));
	return fits && known && overNumbers ? row : undefined;
}

/** Two columns, one of dates and one of times of day; the nearest such two. */
function dateAndClock(data: readonly string[][]): { date: number; clock: number } | undefined {
	const width = data[0]?.length ?? 0;
	const mostly = (at: number, is: (cell: string) => boolean) => {
		const cells = data.map((row) => row[at]?.trim() ?? '').filter((cell) => cell !== '');
		return cells.length > 0 && cells.filter(is).length >= cells.length * 0.8;
	};
	const all = Array.from({ length: width }, (_, at) => at);
	const clock = all.find((at) => mostly(at, isClockTime));
	if (clock === undefined) return undefined;
	const isDate = (cell: string) =>
		!cell.includes(':') && /[./-]|[a-zäöü]{3}/i.test(cell) && detectTimeFormat([cell]) !== undefined;
	const dates = all.filter(
		(at) => at !== clock && mostly(at, isDate) && mostly(at, (cell) => parseCell(cell, true) === undefined)
	);
	const date = dates.sort((a, b) => Math.abs(a - clock) - Math.abs(b - clock))[0];
	return date === undefined ? undefined : { date, clock };
}
