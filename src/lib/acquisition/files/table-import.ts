/**
 * Data Acquisition, files: a table of any format into storage.
 *
 * In: a File and which columns mean what. Out: readings committed in batches, progress, and a summary that names bad cells by row
 * and column. The same file imported twice is stored once: times come from the file alone.
 */
import {
	machineIdOf,
	MillwrightError,
	Quality,
	sensorIdOf,
	type ColumnMapping,
	type EpochMs,
	type ImportProgress,
	type ImportSummary,
	type IntakeReason,
	type LongColumns,
	type MachineRecord,
	type ReadingBatch,
	type SensorId,
	type SensorRecord
} from '../../contracts';
import { BatchNumbers, ReadingColumns } from '../columns';
import { describeValue, isMissingNumber } from '../decode/numbers';
import { parseQuality } from '../decode/qualities';
import { pathOfLevels, sensorNameOf } from '../decode/topics';
import { IntakeTally } from '../intake-tally';
import { guessKind } from '../sensor-kind';
import type { ReadingStore } from '../ports';
import { commaIn, readingTimesOf } from './table-cells';
import { DEFAULT_INTERVAL_MS } from './table-preview';
import { numberOf, openTable, textOf, type BadRow, type Cell, type TableSource } from './table-source';
import type { TimeFormat } from './written-times';

const BATCH_READINGS = 60_000;
/** Series one file may bring: beyond it the sensor column is not one. */
const MOST_SENSORS = 100_000;

/** Rows in which WinCC says that recording began or ended. */
const RECORDER_MARK = /^\$RT_[A-Z]+\$$/;

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
export async function importFile(file: File, mapping: ColumnMapping, context: ImportContext): Promise<ImportSummary> {
	const run = new ImportRun(file, mapping, context, await openTable(file, mapping.delimiter));
	return run.run();
}

interface Target {
	readonly index: number;
	readonly record: SensorRecord;
}

class ImportRun {
	readonly #tally: IntakeTally;
	/** Wide: the columns that are sensors. */
	readonly #wide: readonly (Target & {
		readonly column: string;
		readonly at: number;
		readonly decimalComma: boolean;
	})[];
	/** Long: which cell says what. */
	readonly #long: { [K in keyof LongColumns]: number } | undefined;
	readonly #longComma: boolean = false;
	/** Every sensor so far, by machine and name as the file has them (long) or by id. */
	readonly #targets = new Map<string, Target>();
	readonly #machine: MachineRecord;
	readonly #machines = new Map<string, MachineRecord>();
	readonly #known = new Set<string>();
	#newMachines: MachineRecord[] = [];
	#newSensors: SensorRecord[] = [];
	readonly #timeIndex: number;
	readonly #timeFormat: TimeFormat | undefined;
	/** Added to every time that the file states. */
	#origin: EpochMs = 0;
	readonly #numbers = new BatchNumbers();
	#columns = new ReadingColumns(this.#numbers);
	#rows = 0;
	#stored = 0;
	#from: EpochMs | undefined;
	#to: EpochMs | undefined;

	constructor(
		private readonly file: File,
		private readonly mapping: ColumnMapping,
		private readonly context: ImportContext,
		private readonly source: TableSource
	) {
		const now = context.now();
		this.#tally = new IntakeTally(now);
		const path = pathOfLevels(mapping.machineId.split('/'));
		if (!path) throw new MillwrightError('invalid-input', 'The machine needs a name');
		this.#machine = { id: machineIdOf(path), path, origin: 'import', firstSeen: now };
		const { long } = mapping;
		this.#long = long && {
			sensorColumn: this.#indexOf(long.sensorColumn),
			valueColumn: this.#indexOf(long.valueColumn),
			...(long.machineColumn !== undefined && { machineColumn: this.#indexOf(long.machineColumn) }),
			...(long.unitColumn !== undefined && { unitColumn: this.#indexOf(long.unitColumn) }),
			...(long.qualityColumn !== undefined && { qualityColumn: this.#indexOf(long.qualityColumn) })
		};
		if (this.#long) this.#longComma = commaIn(source, this.#long.valueColumn);
		else if (mapping.sensors.length === 0)
			throw new MillwrightError('invalid-input', 'No column was chosen as a sensor');
		this.#wide = (long ? [] : mapping.sensors).map(({ column, name, unit }) => {
			const at = this.#indexOf(column);
			const record = this.#sensor(this.#machine, name, unit);
			if (this.#targets.has(record.id))
				throw new MillwrightError('invalid-input', `Two columns have the sensor name "${record.name}"`);
			const target = this.#add(record.id, record);
			return { ...target, column, at, decimalComma: commaIn(source, at) };
		});
		this.#timeIndex = mapping.timeColumn === undefined ? -1 : this.#indexOf(mapping.timeColumn);
		if (this.#timeIndex >= 0) {
			this.#timeFormat = readingTimesOf(source, this.#timeIndex);
			if (!this.#timeFormat) {
				const shown = describeValue(source.sample[0]?.[this.#timeIndex] ?? '');
				throw new MillwrightError(
					'invalid-input',
					`Column "${mapping.timeColumn}" holds no times (the first is ${shown})`
				);
			}
		}
	}

	async run(): Promise<ImportSummary> {
		const { store, signal, onProgress } = this.context;
		for (const { id } of await store.registry.machines()) this.#known.add(id);
		if (!this.#long) this.#machineOf(this.#machine);
		await this.#register();
		const clock = await this.#rowClock();
		this.#origin = await this.#recordStart();
		const wanted = this.#wantedColumns();
		for await (const chunk of this.source.read(signal, wanted)) {
			const { bytesRead, rows, firstRow, rowNumbers, unknown } = chunk;
			for (let i = 0; i < rows.length; i++) {
				this.#take(rows[i]!, rowNumbers?.[i] ?? firstRow + i, clock);
				if (this.#columns.length >= BATCH_READINGS) await this.#commit(bytesRead);
			}
			if (unknown) this.#count('unknown-field', unknown.count, unknown.message, '');
			onProgress({ bytesRead, bytesTotal: this.file.size, rows: this.#rows, stored: this.#stored });
		}
		await this.#commit(this.file.size);
		return {
			rows: this.#rows,
			stored: this.#stored,
			...(this.#from !== undefined && { from: this.#from, to: this.#to }),
			sensorIds: [...new Set([...this.#targets.values()].map(({ record }) => record.id))],
			counters: this.#tally.counters(this.context.now(), 0).byReason
		};
	}

	#wantedColumns(): string[] {
		const long = this.#long ? Object.values(this.#long) : [];
		const indexes = [this.#timeIndex, ...this.#wide.map(({ at }) => at), ...long];
		return indexes.flatMap((index) => (index === undefined || index < 0 ? [] : [this.source.columns[index]!]));
	}

	#sensor(machine: MachineRecord, name: string, unit: string | undefined): SensorRecord {
		const clean = sensorNameOf(name);
		return {
			id: sensorIdOf(machine.id, clean),
			machineId: machine.id,
			name: clean,
			...(unit && { unit }),
			kind: guessKind(clean, unit),
			firstSeen: this.context.now()
		};
	}

	#add(key: string, record: SensorRecord): Target {
		const target = { index: this.#targets.size, record };
		this.#targets.set(key, target);
		this.#newSensors.push(record);
		return target;
	}

	#machineOf(machine: MachineRecord): MachineRecord {
		if (!this.#known.has(machine.id)) {
			this.#known.add(machine.id);
			this.#newMachines.push(machine);
		}
		return machine;
	}

	/** Tells the registry of machines and sensors that have come up since; before their readings are stored. */
	async #register(): Promise<void> {
		if (this.#newMachines.length + this.#newSensors.length === 0) return;
		await this.context.store.registry.upsert(this.#newMachines, this.#newSensors);
		this.#newMachines = [];
		this.#newSensors = [];
	}

	/** Time of the n-th row when no column holds it: the last row at the file's own date, so that a second import matches. */
	async #rowClock(): Promise<(row: number) => EpochMs> {
		if (this.#timeIndex >= 0) return () => NaN;
		const interval = this.mapping.rowIntervalMs ?? DEFAULT_INTERVAL_MS;
		if (!(interval > 0)) throw new MillwrightError('invalid-input', 'The time between rows must be above 0');
		let rows = 0;
		for await (const chunk of this.source.read(this.context.signal, [])) rows += chunk.rows.length;
		const end = this.file.lastModified || this.context.now();
		return (row) => end - (rows - row) * interval;
	}

	/** When a record with times since its start began: the last row at the file's own date, so that a second import matches. */
	async #recordStart(): Promise<EpochMs> {
		if (!this.#timeFormat?.isElapsed) return 0;
		let last = 0;
		for await (const chunk of this.source.read(this.context.signal, [this.source.columns[this.#timeIndex]!]))
			for (const row of chunk.rows)
				if (!('reason' in row)) last = Math.max(last, this.#timeFormat.parse(textOf(row[this.#timeIndex])) ?? 0);
		return (this.file.lastModified || this.context.now()) - last;
	}

	#take(row: readonly Cell[] | BadRow, line: number, clock: (row: number) => EpochMs): void {
		this.#rows++;
		if ('reason' in row) return this.#count(row.reason, 1, `row ${line}: ${row.message}`, row.text);
		let time: EpochMs | undefined = clock(this.#rows);
		if (this.#timeFormat) {
			const cell = row[this.#timeIndex] ?? '';
			time = this.#timeFormat.parse(String(cell));
			if (time === undefined)
				return this.#reject(
					'invalid-time',
					line,
					row,
					`column "${this.mapping.timeColumn}": ${describeValue(cell)} is no time`
				);
			time += this.#origin;
		}
		if (this.#from === undefined || time < this.#from) this.#from = time;
		if (this.#to === undefined || time > this.#to) this.#to = time;
		if (this.#long) return this.#takeLong(row, line, time);
		for (const { index, record, at, column, decimalComma } of this.#wide) {
			const cell = row[at];
			const value = numberOf(cell, decimalComma);
			if (value !== undefined) this.#push(index, record.id, time, value, Quality.good);
			else this.#rejectNumber(row, line, column, cell, at);
		}
	}

	#takeLong(row: readonly Cell[], line: number, time: EpochMs): void {
		const { sensorColumn, valueColumn, machineColumn, unitColumn, qualityColumn } = this.#long!;
		const name = textOf(row[sensorColumn]).trim();
		if (name === '')
			return this.#reject('no-values', line, row, `column "${this.mapping.long!.sensorColumn}": no sensor is named`);
		if (RECORDER_MARK.test(name)) return this.#reject('ignored', line, row, `"${name}" is a mark of the recorder`);
		const place = machineColumn === undefined ? '' : textOf(row[machineColumn]).trim();
		const key = `${place}\n${name}`;
		let target = this.#targets.get(key);
		if (!target) {
			if (this.#targets.size >= MOST_SENSORS)
				return this.#reject('too-many-sensors', line, row, `more than ${MOST_SENSORS} sensors: is "${name}" one?`);
			const machine = this.#machineNamed(place);
			if (!machine)
				return this.#reject(
					'no-machine-in-topic',
					line,
					row,
					`column "${this.mapping.long!.machineColumn}": ${describeValue(place)} names no machine`
				);
			const unit = unitColumn === undefined ? '' : textOf(row[unitColumn]).trim();
			target = this.#add(key, this.#sensor(machine, name, unit || undefined));
		}
		const value = numberOf(row[valueColumn], this.#longComma);
		if (value === undefined)
			return this.#rejectNumber(row, line, this.mapping.long!.valueColumn, row[valueColumn], valueColumn);
		let quality: Quality = Quality.good;
		const stated = qualityColumn === undefined ? undefined : row[qualityColumn];
		if (stated !== undefined && textOf(stated).trim() !== '') {
			const parsed = parseQuality(stated);
			if (parsed === undefined) {
				this.#reject(
					'unknown-field',
					line,
					row,
					`column "${this.mapping.long!.qualityColumn}": ${describeValue(stated)} is no quality; taken as uncertain`
				);
				quality = Quality.uncertain;
			} else quality = parsed;
		}
		this.#push(target.index, target.record.id, time, value, quality);
	}

	#push(index: number, sensorId: SensorId, time: EpochMs, value: number, quality: Quality): void {
		if (!this.#columns.push(index, sensorId, time, value, quality))
			throw new MillwrightError(
				'internal',
				'The browser has no memory left for this file. Close other tabs and import it again: what is stored already is not stored twice.'
			);
	}

	#machineNamed(place: string): MachineRecord | undefined {
		if (place === '') return this.#machineOf(this.#machine);
		let machine = this.#machines.get(place);
		if (!machine) {
			const path = pathOfLevels(place.split('/'));
			if (!path) return undefined;
			machine = { id: machineIdOf(path), path, origin: 'import', firstSeen: this.context.now() };
			this.#machines.set(place, machine);
		}
		return this.#machineOf(machine);
	}

	/** A cell that is no number. In files that can leave a cell out, one that is left out is no fault. */
	#rejectNumber(row: readonly Cell[], line: number, column: string, cell: Cell, at: number): void {
		if (cell === undefined && this.source.format !== 'csv') return;
		const missing = cell === undefined || isMissingNumber(cell);
		const what = at >= row.length ? 'the row is too short' : `${describeValue(cell)} is not a number`;
		this.#reject('not-a-number', line, row, `column "${column}": ${missing && cell === '' ? 'empty' : what}`);
	}

	async #commit(bytesRead: number): Promise<void> {
		const { store, onCommitted, onProgress, now, signal } = this.context;
		if (signal.aborted) throw new MillwrightError('aborted', 'Import cancelled');
		await this.#register();
		if (this.#columns.length === 0) return;
		const batch = this.#columns.toBatch(now());
		this.#columns = new ReadingColumns(this.#numbers);
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

	#reject(reason: IntakeReason, line: number, row: readonly Cell[], message: string): void {
		this.#tally.count(reason, 1, this.context.now(), () => ({
			topic: this.file.name,
			payload: row
				.map(textOf)
				.join(this.source.delimiter || ', ')
				.slice(0, 500),
			message: `row ${line}, ${message}`
		}));
	}

	#count(reason: IntakeReason, count: number, message: string, payload: string): void {
		this.#tally.count(reason, count, this.context.now(), () => ({ topic: this.file.name, payload, message }));
	}

	#indexOf(column: string): number {
		const index = this.source.columns.indexOf(column);
		if (index < 0)
			throw new MillwrightError('invalid-input', `${this.file.name} has no column "${column}"`, {
				columns: this.source.columns
			});
		return index;
	}
}
