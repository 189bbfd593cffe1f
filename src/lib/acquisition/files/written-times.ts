/**
 * Data Acquisition, files: how the cells of a column say the time.
 *
 * In: a column's name and first cells. Out: a `TimeFormat` that reads the rest, or undefined. ISO, European and American dates, months by name,
 * Unix time, Excel's date numbers, time since a record's start. A time without zone is this device's local time.
 */
import { fromEpochNumber, fromIsoText, timeFieldKind } from '../decode/timestamps';
import { parseCell, splitUnit } from './csv-columns';

const DAY_MS = 86_400_000;
/** Excel counts days from 1899-12-30; these are 1980 to 2100. */
const EXCEL_FROM = 29_221;
const EXCEL_TO = 73_051;

export interface TimeFormat {
	/** For a person: "ISO date", "day.month.year", ... */
	readonly description: string;
	/** Epoch milliseconds, or undefined. A time without zone is this device's local time. */
	parse(cell: string): number | undefined;
	/** Said once when the sample leaves the format open. */
	readonly doubt?: string;
	/** `parse` gives milliseconds from the record's start instead. */
	readonly isElapsed?: true;
}

const CLOCK = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?`;
const WRITTEN = new RegExp(String.raw`^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[T ,]+${CLOCK})?$`);
/** "25-Mar-26 13:05:09", "25. März 2026"; and "Mar 25, 2026 1:05 PM". */
const DAY_NAMED = new RegExp(
	String.raw`^(\d{1,2})[-. /]+([a-zä]{3,9})\.?[-, /]*(\d{4}|\d{2})(?:[T ,]+${CLOCK})?$`,
	'i'
);
const NAMED_DAY = new RegExp(String.raw`^([a-zä]{3,9})\.?[- ]+(\d{1,2}),?[- ]+(\d{4})(?:[T ,]+${CLOCK})?$`, 'i');
/** English and German; the first three letters tell. */
const MONTHS = [
	'jan',
	'feb',
	'mar|mär|mrz|mae',
	'apr',
	'may|mai',
	'jun',
	'jul',
	'aug',
	'sep',
	'oct|okt',
	'nov',
	'dec|dez'
];
const ONLY_CLOCK = new RegExp(`^${CLOCK}$`);

/** A time of day without a date. */
export const isClockTime = (cell: string): boolean => ONLY_CLOCK.test(cell.trim());

type Order = 'dmy' | 'mdy' | 'ymd';

/** How the cells of a column say the time; undefined if they do not. */
export function detectTimeFormat(cells: readonly string[]): TimeFormat | undefined {
	const filled = cells.map((cell) => cell.trim()).filter((cell) => cell !== '');
	if (filled.length === 0) return undefined;
	const enough = (format: TimeFormat) =>
		filled.filter((cell) => format.parse(cell) !== undefined).length >= filled.length * 0.6;

	const iso: TimeFormat = { description: 'ISO date', parse: parseLocalIso };
	if (enough(iso)) return iso;
	const numeric = (text: string) => parseCell(text, text.includes(',')) ?? NaN;
	const epoch: TimeFormat = {
		description: 'Unix time',
		parse: (cell) => fromEpochNumber(numeric(cell))
	};
	if (enough(epoch)) return epoch;
	const excel: TimeFormat = {
		description: 'Excel date number',
		parse: (cell) => {
			const days = numeric(cell);
			if (!(days >= EXCEL_FROM && days < EXCEL_TO)) return undefined;
			// Excel shows wall-clock time: the same fields in local time. Its numbers resolve about a microsecond.
			const utc = new Date(Math.round((days - 25_569) * DAY_MS));
			return localTime([
				utc.getUTCFullYear(),
				utc.getUTCMonth() + 1,
				utc.getUTCDate(),
				utc.getUTCHours(),
				utc.getUTCMinutes(),
				utc.getUTCSeconds(),
				utc.getUTCMilliseconds()
			]);
		}
	};
	if (filled.some((cell) => /[.,]/.test(cell)) && enough(excel)) return excel;
	const named: TimeFormat = { description: 'the month by name', parse: parseNamed };
	if (enough(named)) return named;
	const order = detectOrder(filled);
	if (!order) return undefined;
	const words = { dmy: 'day, month, year', mdy: 'month, day, year', ymd: 'year, month, day' }[order.order];
	const written: TimeFormat = {
		description: words,
		parse: (cell) => parseWritten(cell, order.order),
		...(order.doubt && { doubt: `Dates such as ${filled[0]} were read as ${words}` })
	};
	return enough(written) ? written : undefined;
}

const ELAPSED =
	/^(t|time|zeit|elapsed|elapsed[ _-]?time|time[ _-]?elapsed|x[ _-]?value|rel(ative)?[ _-]?time|sekunden|seconds?|milliseconds?|millis)$/i;
const UNIT_MS: readonly (readonly [RegExp, number])[] = [
	[/^(us|µs|μs)$/i, 1e-3],
	[/^(ms|millis|milliseconds?)$/i, 1],
	[/^(min|minutes?)$/i, 60_000],
	[/^(h|hours?)$/i, 3_600_000],
	[/^(s|secs?|seconds?|sekunden)$/i, 1_000]
];

/** Time since a record began ("Time [s]": 0, 0.001, 0.002 ...): a column so named whose numbers rise; without a unit, seconds. */
export function detectElapsed(column: string, cells: readonly string[], decimalComma: boolean): TimeFormat | undefined {
	const { name, unit } = splitUnit(column);
	if (!ELAPSED.test(name.trim())) return undefined;
	const numbers = cells.map((cell) => parseCell(cell, decimalComma));
	const rises = numbers.every((value, at) => value !== undefined && (at === 0 || value > numbers[at - 1]!));
	if (numbers.length < 2 || !rises || numbers[0]! < 0) return undefined;
	const [, perUnit] = UNIT_MS.find(([pattern]) => pattern.test(unit ?? name)) ?? [undefined, 1_000];
	const parse = (cell: string) => {
		const value = parseCell(cell, decimalComma);
		return value === undefined ? undefined : value * perUnit;
	};
	return { description: `time since the start, in ${unit ?? (perUnit === 1 ? 'ms' : 's')}`, parse, isElapsed: true };
}

function detectOrder(cells: readonly string[]): { order: Order; doubt: boolean } | undefined {
	let firstMax = 0;
	let secondMax = 0;
	let point = false;
	for (const cell of cells) {
		const match = WRITTEN.exec(cell);
		if (!match) continue;
		if (match[1]!.length === 4) return { order: 'ymd', doubt: false };
		firstMax = Math.max(firstMax, Number(match[1]));
		secondMax = Math.max(secondMax, Number(match[3]));
		point ||= match[2] === '.';
	}
	if (firstMax === 0) return undefined;
	if (firstMax > 12) return { order: 'dmy', doubt: false };
	if (secondMax > 12) return { order: 'mdy', doubt: false };
	return { order: 'dmy', doubt: !point };
}

function parseWritten(cell: string, order: Order): number | undefined {
	const match = WRITTEN.exec(cell.trim());
	if (!match) return undefined;
	const [a, b, c] = [Number(match[1]), Number(match[3]), Number(match[4])] as [number, number, number];
	const [year, month, day] = order === 'ymd' ? [a, b, c] : order === 'dmy' ? [c, b, a] : [c, a, b];
	return atClock([year, month, day], match.slice(5));
}

function parseNamed(cell: string): number | undefined {
	const text = cell.trim();
	const before = DAY_NAMED.exec(text);
	const match = before ?? NAMED_DAY.exec(text);
	if (!match) return undefined;
	const [day, name] = before ? [match[1]!, match[2]!] : [match[2]!, match[1]!];
	const letters = name.toLowerCase().slice(0, 3);
	const month = 1 + MONTHS.findIndex((names) => names.split('|').includes(letters));
	return month === 0 ? undefined : atClock([Number(match[3]), month, Number(day)], match.slice(4));
}

/** Hour, minute, second, fraction and half of the day, each as found by `CLOCK` or left out. */
function atClock(
	[year, month, day]: [number, number, number],
	clock: readonly (string | undefined)[]
): number | undefined {
	const [hours, minute, second, fraction, half] = clock;
	let hour = Number(hours ?? 0);
	if (half?.toLowerCase() === 'pm' && hour < 12) hour += 12;
	if (half?.toLowerCase() === 'am' && hour === 12) hour = 0;
	const ms = fraction ? Number(`0.${fraction}`) * 1000 : 0;
	return localTime([year < 100 ? 2000 + year : year, month, day, hour, Number(minute ?? 0), Number(second ?? 0), ms]);
}

function parseLocalIso(cell: string): number | undefined {
	const text = cell.trim();
	const utc = fromIsoText(text, undefined);
	if (utc === undefined || /(?:Z|UTC|[+-]\d\d:?\d\d|\d[+-]\d\d)$/i.test(text.slice(10))) return utc;
	const at = new Date(utc);
	return localTime([
		at.getUTCFullYear(),
		at.getUTCMonth() + 1,
		at.getUTCDate(),
		at.getUTCHours(),
		at.getUTCMinutes(),
		at.getUTCSeconds(),
		at.getUTCMilliseconds() + (utc % 1)
	]);
}

function localTime(fields: readonly [number, number, number, number, number, number, number]): number | undefined {
	const [year, month, day, hour, minute, second, ms] = fields;
	if (month < 1 || month > 12 || day < 1 || hour > 24 || minute > 59 || second > 60 || year < 1950 || year > 2100)
		return undefined;
	const date = new Date(year, month - 1, day, hour, minute, second);
	if (day > 28 && date.getMonth() !== month - 1 && hour < 24) return undefined;
	return date.getTime() + ms;
}

/** Names of columns that hold the time, best first. */
export function timeLikelihood(column: string): number {
	const plain = splitUnit(column).name;
	const kind = timeFieldKind(plain);
	if (kind === 'certain') return 3;
	if (kind === 'possible') return 2;
	return /time|date|zeit|datum|stamp/i.test(plain) ? 1 : 0;
}
