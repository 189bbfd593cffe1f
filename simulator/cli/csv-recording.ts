/**
 * Command line: a recorded CSV as rows of time and values.
 *
 * In: a file (plain or gzip) with a header row. Out: first what it looks like - delimiter, time column, which columns are
 * numbers - then its rows, one at a time, so that a file of any size is read without holding it.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import Papa from 'papaparse';
import { MillwrightError } from '../../src/lib/contracts';

export interface RecordingOptions {
	readonly delimiter?: string;
	readonly timeColumn?: string;
	/** Columns to publish; undefined: every numeric one that is neither time nor a known label. */
	readonly columns?: readonly string[];
}

export interface RecordingLayout {
	readonly path: string;
	readonly delimiter: string;
	readonly header: readonly string[];
	readonly timeColumn: string;
	readonly columns: readonly string[];
	/** What was decided and why, for a person. */
	readonly notes: readonly string[];
}

export interface RecordedRow {
	/** Line in the file, the header being 1 (rows with quoted line breaks count once). */
	readonly line: number;
	/** Epoch milliseconds; undefined when the cell is no time. */
	readonly time: number | undefined;
	readonly timeText: string;
	/** Numbers by column; cells that are none are missing. */
	readonly values: Readonly<Record<string, number>>;
	/** Cells of wanted columns that are no number (empty ones too). */
	readonly missing: number;
}

const SAMPLE_ROWS = 200;
const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Columns that say what happened rather than what was measured. */
const LABELS = /^(anomaly|changepoint|label|class|target|is_anomaly|fault|failure)$/i;
const TIME_NAMES = /^(ts|t|time|timestamp|datetime|date_?time|date|zeit|zeitstempel)$|time|date/i;

function openText(path: string): Readable {
	const file = createReadStream(path);
	if (!path.toLowerCase().endsWith('.gz')) return file;
	const unzipped = createGunzip();
	file.on('error', (error) => unzipped.destroy(error));
	unzipped.on('close', () => file.destroy());
	return file.pipe(unzipped);
}

async function* parseRows(path: string, delimiter: string): AsyncGenerator<string[]> {
	const text = openText(path);
	const parser = Papa.parse(Papa.NODE_STREAM_INPUT, { delimiter, skipEmptyLines: 'greedy' });
	text.on('error', (error) => parser.destroy(error));
	try {
		for await (const row of text.pipe(parser)) yield row as string[];
	} catch (cause) {
		throw new MillwrightError(
			'invalid-file',
			`${path} cannot be read: ${(cause as Error).message}`,
			{ path },
			{ cause }
		);
	} finally {
		text.destroy();
	}
}

/**
 * Looks at the header and the first rows.
 * @throws MillwrightError `not-found`, `invalid-file` or `invalid-input`, naming what is missing and what there is.
 */
export async function inspectRecording(path: string, options: RecordingOptions = {}): Promise<RecordingLayout> {
	if (!existsSync(path) || !statSync(path).isFile())
		throw new MillwrightError('not-found', `There is no file ${path}`, { path });
	const delimiter = options.delimiter ?? (await detectDelimiter(path));
	let header: string[] | undefined;
	const sample: string[][] = [];
	for await (const row of parseRows(path, delimiter)) {
		if (!header) header = row.map((name, i) => (i === 0 ? name.replace(/^\uFEFF/, '') : name).trim());
		else if (sample.push(row) >= SAMPLE_ROWS) break;
	}
	if (!header || sample.length === 0)
		throw new MillwrightError('invalid-file', `${path} has no rows below a header`, { path });
	if (header.every((name) => name !== '' && Number.isFinite(Number(name))))
		throw new MillwrightError('invalid-file', `${path} has no header row: its first line is numbers`, { path });
	const cells = (name: string) => {
		const i = header.indexOf(name);
		return sample.map((row) => (row[i] ?? '').trim());
	};
	const notes: string[] = [];
	for (const name of [...(options.columns ?? []), ...(options.timeColumn ? [options.timeColumn] : [])])
		if (!header.includes(name))
			throw new MillwrightError('invalid-input', `${path} has no column "${name}"; it has ${header.join(', ')}`, {
				path,
				columns: header
			});

	const timeColumn = options.timeColumn ?? findTimeColumn(header, cells);
	if (!timeColumn)
		throw new MillwrightError(
			'invalid-file',
			`${path}: no column looks like a time; name one with --time-column. Columns: ${header.join(', ')}`,
			{ path, columns: header }
		);
	const timeCells = cells(timeColumn).filter((cell) => cell !== '');
	if (timeCells.every((cell) => parseTime(cell) === undefined))
		throw new MillwrightError(
			'invalid-file',
			`${path}: column "${timeColumn}" holds no times, e.g. "${timeCells[0] ?? ''}"`,
			{
				path
			}
		);
	if (timeCells.some((cell) => !Number.isFinite(Number(cell)) && !hasZone(cell)))
		notes.push(`times in "${timeColumn}" name no zone: taken as UTC`);

	const numeric = (name: string) => {
		const filled = cells(name).filter((cell) => cell !== '' && !/^(nan|null|na|n\/a)$/i.test(cell));
		return filled.length > 0 && filled.every((cell) => parseNumber(cell, delimiter) !== undefined);
	};
	const candidates = header.filter((name) => name !== '' && name !== timeColumn);
	const labels = options.columns ? [] : candidates.filter((name) => LABELS.test(name));
	if (labels.length > 0)
		notes.push(`left out as labels: ${labels.join(', ')} (name them in --columns to publish them)`);
	const columns = options.columns ?? candidates.filter((name) => !labels.includes(name) && numeric(name));
	const textual = options.columns ? [] : candidates.filter((name) => !labels.includes(name) && !columns.includes(name));
	if (textual.length > 0) notes.push(`left out, no numbers: ${textual.join(', ')}`);
	if (columns.length === 0)
		throw new MillwrightError('invalid-file', `${path} has no numeric column besides the time`, {
			path,
			columns: header
		});
	return { path, delimiter, header, timeColumn, columns, notes };
}

/** Every row below the header, in file order. */
export async function* readRecording(layout: RecordingLayout): AsyncGenerator<RecordedRow> {
	const timeIndex = layout.header.indexOf(layout.timeColumn);
	const indices = layout.columns.map((name) => layout.header.indexOf(name));
	let line = 0;
	for await (const row of parseRows(layout.path, layout.delimiter)) {
		if (++line === 1) continue;
		const values: Record<string, number> = {};
		let missing = 0;
		for (let i = 0; i < indices.length; i++) {
			const value = parseNumber((row[indices[i]!] ?? '').trim(), layout.delimiter);
			if (value === undefined) missing++;
			else values[layout.columns[i]!] = value;
		}
		const timeText = (row[timeIndex] ?? '').trim();
		yield { line, time: parseTime(timeText), timeText, values, missing };
	}
}

async function detectDelimiter(path: string): Promise<string> {
	let head = '';
	try {
		for await (const chunk of openText(path)) {
			head += String(chunk);
			if (head.length > 65_536) break;
		}
	} catch (cause) {
		throw new MillwrightError(
			'invalid-file',
			`${path} cannot be read: ${(cause as Error).message}`,
			{ path },
			{ cause }
		);
	}
	const lines = head
		.split(/\r?\n/)
		.filter((line) => line.trim() !== '')
		.slice(0, 20);
	let best: string = ',';
	let most = 0;
	for (const delimiter of DELIMITERS) {
		const counts = lines.map((line) => Papa.parse<string[]>(line, { delimiter }).data[0]?.length ?? 0);
		const first = counts[0] ?? 0;
		// the one that cuts every line into equally many parts, and most
		const even = counts.filter((count) => count === first).length / Math.max(1, counts.length);
		const score = first > 1 ? first * even : 0;
		if (score > most) [best, most] = [delimiter, score];
	}
	return best;
}

function findTimeColumn(header: readonly string[], cells: (name: string) => string[]): string | undefined {
	const holdsTimes = (name: string) => {
		const filled = cells(name).filter((cell) => cell !== '');
		return filled.length > 0 && filled.every((cell) => parseTime(cell) !== undefined);
	};
	const named = header.filter((name) => TIME_NAMES.test(name) && holdsTimes(name));
	if (named.length > 0) return named[0];
	// without a telling name only text that reads as a date counts: any large number could be an epoch
	return header.find(
		(name) =>
			name !== '' && holdsTimes(name) && cells(name).every((cell) => cell === '' || !Number.isFinite(Number(cell)))
	);
}

const hasZone = (text: string) => /(z|[+-]\d{2}:?\d{2})$/i.test(text.trim()) && /\d[t ]\d/i.test(text);

/** ISO 8601 and close relatives, day first with dots, or a Unix epoch in s, ms, us or ns. Without a zone: UTC. */
export function parseTime(text: string): number | undefined {
	const trimmed = text.trim();
	if (trimmed === '') return undefined;
	if (/^\d+(\.\d+)?(e\d+)?$/i.test(trimmed)) {
		const number = Number(trimmed);
		if (number >= 1e8 && number < 1e11) return Math.round(number * 1000);
		if (number >= 1e11 && number < 1e14) return Math.round(number);
		if (number >= 1e14 && number < 1e17) return Math.round(number / 1e3);
		if (number >= 1e17 && number < 1e20) return Math.round(number / 1e6);
		return undefined;
	}
	const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ]+(.+))?$/i.exec(trimmed);
	const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[t ,]+(.+))?$/i.exec(trimmed);
	const [year, month, day, rest] = iso
		? [iso[1], iso[2], iso[3], iso[4]]
		: dotted
			? [dotted[3], dotted[2], dotted[1], dotted[4]]
			: [undefined, undefined, undefined, undefined];
	if (year === undefined) return undefined;
	const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(z|[+-]\d{2}:?\d{2})?$/i.exec(rest ?? '00:00');
	if (!clock) return undefined;
	const milliseconds = clock[4] ? Number(`0.${clock[4]}`) * 1000 : 0;
	const [y, mo, d, h, mi, s] = [year, month, day, clock[1], clock[2], clock[3] ?? '0'].map(Number) as [
		number,
		number,
		number,
		number,
		number,
		number
	];
	if (h > 24 || mi > 59 || s > 60) return undefined;
	const utc = Date.UTC(y, mo - 1, d, h, mi, s, Math.round(milliseconds));
	const made = new Date(Date.UTC(y, mo - 1, d));
	if (made.getUTCMonth() !== mo - 1 || made.getUTCDate() !== d) return undefined;
	const zone = clock[5];
	if (!zone || /^z$/i.test(zone)) return utc;
	const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
	return utc - (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** A finite number; a decimal comma is understood where the comma is not the delimiter. */
function parseNumber(text: string, delimiter: string): number | undefined {
	if (text === '') return undefined;
	const plain = delimiter !== ',' && /^[+-]?\d+,\d+(e[+-]?\d+)?$/i.test(text) ? text.replace(',', '.') : text;
	const value = Number(plain);
	return Number.isFinite(value) ? value : undefined;
}
