/**
 * Data Acquisition, files: a CSV file into storage.
 *
 * In: a File and which columns mean what. Out: readings committed in batches, progress, and a summary that names bad cells by row
 * and column. The same file imported twice is stored once: times come from the file alone.
 */
import {
	cleanLevel,
	machineIdOf,
	MillwrightError,
	Quality,
	sensorIdOf,
	type ColumnMapping,
	type EpochMs,
	type FilePreview,
	type ImportProgress,
	type ImportSummary,
	type MachineRecord,
	type ReadingBatch,
	type SensorRecord
} from '../../contracts';
import { ReadingColumns } from '../columns';
import { describeValue, isMissingNumber } from '../decode/numbers';
import { pathOfLevels, sensorNameOf } from '../decode/topics';
import { IntakeTally } from '../intake-tally';
import { guessKind } from '../sensor-kind';
import type { ReadingStore } from '../ports';
import {
	detectDelimiter,
	detectHeader,
	detectTimeFormat,
	isLabel,
	parseCell,
	splitUnit,
	timeLikelihood,
	usesDecimalComma,
	type TimeFormat
} from './csv-columns';
import { readHead, readRows, RowSplitter } from './csv-rows';

const HEAD_CHARACTERS = 256 * 1024;
const SAMPLE_ROWS = 500;
const PREVIEW_ROWS = 20;
const BATCH_READINGS = 60_000;
const DEFAULT_INTERVAL_MS = 1_000;

interface Sample {
	readonly delimiter: string;
	readonly columns: readonly string[];
	readonly hasHeader: boolean;
	readonly rows: readonly (readonly string[])[];
}

/** @throws MillwrightError `invalid-file` */
async function takeSample(file: File, delimiter?: string): Promise<Sample> {
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
	return { delimiter: used, columns, hasHeader, rows: rows.slice(hasHeader ? 1 : 0, SAMPLE_ROWS) };
}

const cellsOf = (rows: readonly (readonly string[])[], index: number) => rows.map((row) => row[index] ?? '');

/**
 * First rows and a proposed mapping.
 * @throws MillwrightError `invalid-file`
 */
export async function previewCsv(file: File): Promise<FilePreview> {
	const { delimiter, columns, hasHeader, rows } = await takeSample(file);
	const notes: string[] = [];
	if (!hasHeader) notes.push('The first row holds numbers, so the columns were given names.');
	const names: Record<string, string> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'vertical bar' };
	notes.push(`Cells are separated by ${names[delimiter] ?? delimiter}.`);

	let time: { index: number; format: TimeFormat; rank: number } | undefined;
	columns.forEach((column, index) => {
		const format = detectTimeFormat(cellsOf(rows, index));
		if (!format) return;
		// A number that could be an Excel date needs a name that says so.
		const rank = timeLikelihood(column) * 10 + (format.description === 'Excel date number' ? 0 : 5) - index / 1000;
		if (format.description === 'Excel date number' && timeLikelihood(column) === 0) return;
		if (!time || rank > time.rank) time = { index, format, rank };
	});
	const found = time as { index: number; format: TimeFormat } | undefined;
	if (found) {
		notes.push(`Time is taken from "${columns[found.index]}" (${found.format.description}).`);
		if (found.format.doubt) notes.push(`${found.format.doubt}; check the first rows.`);
		if (!/unix/i.test(found.format.description))
			notes.push('Times without a zone are taken as local time of this device.');
	} else notes.push(`No column holds a time: rows are taken to be ${DEFAULT_INTERVAL_MS / 1000} s apart.`);

	const sensors: { column: string; name: string; unit?: string }[] = [];
	let comma = false;
	columns.forEach((column, index) => {
		if (index === found?.index) return;
		const cells = cellsOf(rows, index).filter((cell) => cell.trim() !== '');
		const decimalComma = delimiter !== ',' && usesDecimalComma(cells);
		comma ||= decimalComma;
		const numbers = cells.filter((cell) => parseCell(cell, decimalComma) !== undefined).length;
		if (cells.length === 0 || numbers < cells.length * 0.5) {
			notes.push(`"${column}" holds no numbers and is left out.`);
			return;
		}
		if (isLabel(column)) {
			notes.push(`"${column}" looks like a label, not a measurement, and is left out.`);
			return;
		}
		const { name, unit } = splitUnit(column);
		sensors.push({ column, name: sensorNameOf(name), ...(unit && { unit }) });
	});
	if (comma) notes.push('Numbers are written with a decimal comma.');
	if (sensors.length > 0 && sensors.every(({ unit }) => unit === undefined))
		notes.push('The header states no units; add them if you know them.');
	const stem = file.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '');
	return {
		columns,
		rows: rows.slice(0, PREVIEW_ROWS),
		proposed: {
			machineId: cleanLevel(stem),
			...(found ? { timeColumn: columns[found.index]! } : { rowIntervalMs: DEFAULT_INTERVAL_MS }),
			sensors,
			delimiter
		},
		notes
	};
}

export interface ImportContext {
	readonly store: ReadingStore;
	readonly now: () => EpochMs;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: ImportProgress) => void;
	readonly onCommitted: (batch: ReadingBatch) => void;
}

/**
 * Streams the file into storage. What was committed before a cancel stays; importing again completes it without doubling.
 * @throws MillwrightError `invalid-file`, `invalid-input` (the mapping does not fit the file), `aborted`, storage errors
 */
export async function importCsv(file: File, mapping: ColumnMapping, context: ImportContext): Promise<ImportSummary> {
	const run = new ImportRun(file, mapping, context, await takeSample(file, mapping.delimiter));
	return run.run();
}

class ImportRun {
	readonly #tally: IntakeTally;
	readonly #sensors: readonly { index: number; column: string; record: SensorRecord; decimalComma: boolean }[];
	readonly #machine: MachineRecord;
	readonly #timeIndex: number;
	readonly #timeFormat: TimeFormat | undefined;
	#columns = new ReadingColumns();
	#rows = 0;
	#stored = 0;
	#from: EpochMs | undefined;
	#to: EpochMs | undefined;

	constructor(
		private readonly file: File,
		private readonly mapping: ColumnMapping,
		private readonly context: ImportContext,
		private readonly sample: Sample
	) {
		const now = context.now();
		this.#tally = new IntakeTally(now);
		const path = pathOfLevels(mapping.machineId.split('/'));
		if (!path) throw new MillwrightError('invalid-input', 'The machine needs a name');
		this.#machine = { id: machineIdOf(path), path, origin: 'import', firstSeen: now };
		if (mapping.sensors.length === 0) throw new MillwrightError('invalid-input', 'No column was chosen as a sensor');
		this.#sensors = mapping.sensors.map(({ column, name, unit }) => {
			const index = this.#indexOf(column);
			const clean = sensorNameOf(name);
			return {
				index,
				column,
				decimalComma: mapping.delimiter !== ',' && usesDecimalComma(cellsOf(sample.rows, index)),
				record: {
					id: sensorIdOf(this.#machine.id, clean),
					machineId: this.#machine.id,
					name: clean,
					...(unit && { unit }),
					kind: guessKind(clean, unit),
					firstSeen: now
				}
			};
		});
		const doubled = this.#sensors.find(
			({ record }, at) => this.#sensors.findIndex((s) => s.record.id === record.id) !== at
		);
		if (doubled)
			throw new MillwrightError('invalid-input', `Two columns have the sensor name "${doubled.record.name}"`);
		this.#timeIndex = mapping.timeColumn === undefined ? -1 : this.#indexOf(mapping.timeColumn);
		if (this.#timeIndex >= 0) {
			this.#timeFormat = detectTimeFormat(cellsOf(sample.rows, this.#timeIndex));
			if (!this.#timeFormat) {
				const shown = describeValue(sample.rows[0]?.[this.#timeIndex] ?? '');
				throw new MillwrightError(
					'invalid-input',
					`Column "${mapping.timeColumn}" holds no times (the first is ${shown})`
				);
			}
		}
	}

	async run(): Promise<ImportSummary> {
		const { store, signal, onProgress } = this.context;
		const known = (await store.registry.machines()).some(({ id }) => id === this.#machine.id);
		await store.registry.upsert(
			known ? [] : [this.#machine],
			this.#sensors.map(({ record }) => record)
		);
		const clock = await this.#rowClock();
		let header = this.sample.hasHeader;
		let line = 0;
		for await (const chunk of readRows(this.file, this.mapping.delimiter, signal)) {
			const { bytesRead } = chunk;
			for (const row of chunk.rows) {
				line++;
				if (header) header = false;
				else {
					this.#take(row, line, clock);
					if (this.#columns.length >= BATCH_READINGS) await this.#commit(bytesRead);
				}
			}
			onProgress({ bytesRead, bytesTotal: this.file.size, rows: this.#rows, stored: this.#stored });
		}
		await this.#commit(this.file.size);
		return {
			rows: this.#rows,
			stored: this.#stored,
			...(this.#from !== undefined && { from: this.#from, to: this.#to }),
			sensorIds: this.#sensors.map(({ record }) => record.id),
			counters: this.#tally.counters(this.context.now(), 0).byReason
		};
	}

	/** Time of the n-th row when no column holds it: the last row at the file's own date, so that a second import matches. */
	async #rowClock(): Promise<(row: number) => EpochMs> {
		if (this.#timeIndex >= 0) return () => NaN;
		const interval = this.mapping.rowIntervalMs ?? DEFAULT_INTERVAL_MS;
		if (!(interval > 0)) throw new MillwrightError('invalid-input', 'The time between rows must be above 0');
		let rows = this.sample.hasHeader ? -1 : 0;
		for await (const chunk of readRows(this.file, this.mapping.delimiter, this.context.signal))
			rows += chunk.rows.length;
		const end = this.file.lastModified || this.context.now();
		return (row) => end - (rows - row) * interval;
	}

	#take(row: readonly string[], line: number, clock: (row: number) => EpochMs): void {
		this.#rows++;
		let time: EpochMs | undefined = clock(this.#rows);
		if (this.#timeFormat) {
			const cell = row[this.#timeIndex] ?? '';
			time = this.#timeFormat.parse(cell);
			if (time === undefined)
				return this.#reject(
					'invalid-time',
					line,
					row,
					`column "${this.mapping.timeColumn}": ${describeValue(cell)} is no time`
				);
		}
		if (this.#from === undefined || time < this.#from) this.#from = time;
		if (this.#to === undefined || time > this.#to) this.#to = time;
		for (let at = 0; at < this.#sensors.length; at++) {
			const sensor = this.#sensors[at]!;
			const cell = row[sensor.index];
			const value = cell === undefined ? undefined : parseCell(cell, sensor.decimalComma);
			if (value !== undefined) this.#columns.push(at, sensor.record.id, time, value, Quality.good);
			else {
				const missing = cell === undefined || isMissingNumber(cell);
				const what = cell === undefined ? 'the row is too short' : `${describeValue(cell)} is not a number`;
				this.#reject(
					'not-a-number',
					line,
					row,
					`column "${sensor.column}": ${missing && cell === '' ? 'empty' : what}`
				);
			}
		}
	}

	async #commit(bytesRead: number): Promise<void> {
		const { store, onCommitted, onProgress, now, signal } = this.context;
		if (signal.aborted) throw new MillwrightError('aborted', 'Import cancelled');
		if (this.#columns.length === 0) return;
		const batch = this.#columns.toBatch(now());
		this.#columns = new ReadingColumns();
		const receipt = await store.series.append(batch);
		this.#stored += receipt.stored;
		const note = (message: string) => () => ({ topic: this.file.name, payload: '', message });
		if (receipt.duplicates > 0)
			this.#tally.count('duplicate', receipt.duplicates, now(), note('stored before, probably by an earlier import'));
		if (receipt.conflicts > 0)
			this.#tally.count(
				'conflicting-duplicate',
				receipt.conflicts,
				now(),
				note('another value is stored for the same time')
			);
		if (receipt.outOfOrder > 0)
			this.#tally.count('out-of-order', receipt.outOfOrder, now(), note('older than what is stored; put in its place'));
		onCommitted(batch);
		onProgress({ bytesRead, bytesTotal: this.file.size, rows: this.#rows, stored: this.#stored });
	}

	#reject(reason: 'invalid-time' | 'not-a-number', line: number, row: readonly string[], message: string): void {
		this.#tally.count(reason, 1, this.context.now(), () => ({
			topic: this.file.name,
			payload: row.join(this.mapping.delimiter).slice(0, 500),
			message: `row ${line}, ${message}`
		}));
	}

	#indexOf(column: string): number {
		const index = this.sample.columns.indexOf(column);
		if (index < 0)
			throw new MillwrightError('invalid-input', `${this.file.name} has no column "${column}"`, {
				columns: this.sample.columns
			});
		return index;
	}
}
