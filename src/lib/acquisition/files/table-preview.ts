/**
 * Data Acquisition, files: what a file holds, before anything is stored.
 *
 * In: a File. Out: its first rows, and which columns are proposed to mean what, with the reasons in words.
 */
import { cleanLevel, type FilePreview } from '../../contracts';
import { sensorNameOf } from '../decode/topics';
import { isLabel, splitUnit } from './csv-columns';
import { detectLong } from './long-layout';
import { commaIn, readingTimesOf } from './table-cells';
import { numberOf, openTable, textOf } from './table-source';
import { timeLikelihood, type TimeFormat } from './written-times';

const PREVIEW_ROWS = 20;
/** Between the rows of a file that states no time, unless a person says otherwise. */
export const DEFAULT_INTERVAL_MS = 1_000;

/**
 * First rows and a proposed mapping.
 * @throws MillwrightError `invalid-file`
 */
export async function previewFile(file: File): Promise<FilePreview> {
	const source = await openTable(file);
	const { columns, delimiter } = source;
	const notes: string[] = [...source.notes];

	let time: { index: number; format: TimeFormat; rank: number } | undefined;
	columns.forEach((column, index) => {
		const format = readingTimesOf(source, index);
		if (!format) return;
		// A number that could be an Excel date needs a name that says so.
		const typed = source.timeColumns.has(column) ? 100 : 0;
		const form = format.isElapsed ? -100 : format.description === 'Excel date number' ? 0 : 5;
		const rank = typed + timeLikelihood(column) * 10 + form - index / 1000;
		if (format.description === 'Excel date number' && timeLikelihood(column) === 0) return;
		if (!time || rank > time.rank) time = { index, format, rank };
	});
	const found = time as { index: number; format: TimeFormat } | undefined;
	if (found) {
		notes.push(`Time is taken from "${columns[found.index]}" (${found.format.description}).`);
		if (found.format.doubt) notes.push(`${found.format.doubt}; check the first rows.`);
		if (found.format.isElapsed) notes.push("The last row is taken to be at the file's own date.");
		else if (!/unix/i.test(found.format.description))
			notes.push('Times without a zone are taken as local time of this device.');
	} else notes.push(`No column holds a time: rows are taken to be ${DEFAULT_INTERVAL_MS / 1000} s apart.`);

	const sensors: { column: string; name: string; unit?: string }[] = [];
	const text: string[] = [];
	let comma = false;
	const leftOut: string[] = [];
	columns.forEach((column, index) => {
		if (index === found?.index) return;
		const filled = source.sample.map((row) => row[index]).filter((cell) => textOf(cell).trim() !== '');
		const decimalComma = commaIn(source, index);
		comma ||= decimalComma;
		const numbers = filled.filter((cell) => numberOf(cell, decimalComma) !== undefined).length;
		if (filled.length === 0 || numbers < filled.length * 0.5) {
			if (filled.length > 0) text.push(column);
			leftOut.push(`"${column}" holds no numbers and is left out.`);
			return;
		}
		if (isLabel(column)) {
			leftOut.push(`"${column}" looks like a label, not a measurement, and is left out.`);
			return;
		}
		const { name, unit } = splitUnit(column);
		sensors.push({ column, name: sensorNameOf(name), ...(unit && { unit }) });
	});
	const long = found && detectLong(columns, sensors, text);
	if (long)
		notes.push(
			`Every row is one reading: its sensor is in "${long.sensorColumn}", its value in "${long.valueColumn}".`
		);
	else notes.push(...leftOut);
	if (comma) notes.push('Numbers are written with a decimal comma.');
	if (!long && sensors.length > 0 && sensors.every(({ unit }) => unit === undefined))
		notes.push('The header states no units; add them if you know them.');
	const stem = file.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '');
	return {
		format: source.format,
		columns,
		rows: source.sample.slice(0, PREVIEW_ROWS).map((row) =>
			row.map((cell, index) => {
				if (typeof cell !== 'number' || !source.timeColumns.has(columns[index]!)) return textOf(cell);
				return Number.isFinite(cell) ? new Date(cell).toISOString() : '';
			})
		),
		proposed: {
			machineId: cleanLevel(stem),
			...(found ? { timeColumn: columns[found.index]! } : { rowIntervalMs: DEFAULT_INTERVAL_MS }),
			sensors,
			delimiter,
			...(long && { long })
		},
		notes
	};
}
