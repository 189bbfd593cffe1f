/**
 * Data Acquisition, files: a fleet's days out of several tables. In: files with telemetry, logs of failures, errors and replacements, and a list of
 * machines, each with what its columns mean. Out: per machine the day's means, and when what happened, in days since the first day of telemetry.
 */
import { MillwrightError, type FleetMapping, type FleetReading, type MachineDays } from '../../contracts';
import { describeValue } from '../decode/numbers';
import { detectTimeFormat } from './written-times';
import { mostWords } from './risk-columns';
import type { RiskReadContext } from './risk-table';
import { commaIn, Faults, numericColumns, timeFormatOf } from './table-cells';
import { numberOf, openTable, textOf, type Cell } from './table-source';

const dayMs = 86_400_000;
const mostDays = 20_000;
/** Machine-days: with some thirty features each they must fit a tablet's memory. */
const mostMachineDays = 300_000;

export interface FleetPart {
	readonly file: File;
	readonly mapping: FleetMapping;
}

interface Event {
	readonly machine: string;
	readonly at: number;
	readonly kind: string;
}

/** @throws MillwrightError `invalid-file`, `invalid-input` (no telemetry, columns that do not fit), `aborted` */
export async function readFleet(parts: readonly FleetPart[], context: RiskReadContext): Promise<FleetReading> {
	const used = parts.filter(({ mapping }) => mapping.role !== 'none');
	if (!used.some(({ mapping }) => mapping.role === 'telemetry'))
		throw new MillwrightError('invalid-input', 'None of the files holds telemetry: readings by machine and time');
	const faults = new Faults();
	const reader = new FleetReader(
		faults,
		context,
		used.reduce((sum, { file }) => sum + file.size, 0)
	);
	for (const part of used) await reader.read(part);
	return { ...reader.finish(), faults: faults.list() };
}

class FleetReader {
	/** Machine -> day -> sums and counts by channel. */
	readonly #days = new Map<string, Map<number, Float64Array>>();
	readonly #channels: string[] = [];
	readonly #events = { failures: [] as Event[], errors: [] as Event[], maintenance: [] as Event[] };
	readonly #constants = new Map<string, Map<string, Cell>>();
	readonly #constantNames: { name: string; words: Set<string> | undefined }[] = [];
	#rows = 0;
	#bytes = 0;

	constructor(
		private readonly faults: Faults,
		private readonly context: RiskReadContext,
		private readonly bytesTotal: number
	) {}

	async read({ file, mapping }: FleetPart): Promise<void> {
		const source = await openTable(file, mapping.delimiter);
		const { role, machineColumn, timeColumn, kindColumn, values } = mapping;
		const at = (column: string, what: string) => {
			const place = source.columns.indexOf(column);
			if (place < 0)
				throw new MillwrightError(
					'invalid-input',
					column === '' ? `${file.name}: choose ${what}` : `${file.name} has no column "${column}"`,
					{ columns: source.columns }
				);
			return place;
		};
		const machineAt = at(machineColumn, 'the column that names the machine');
		const timeAt = role === 'machines' ? -1 : at(timeColumn, 'the column that holds the time');
		const kindAt = kindColumn === '' ? -1 : at(kindColumn, 'the kind');
		const valueAt = values.map((name) => at(name, 'the values'));
		const comma = source.columns.map((_, k) => commaIn(source, k));
		const numeric = numericColumns(source);
		const format =
			timeAt < 0
				? undefined
				: (timeFormatOf(source, timeAt, comma[timeAt]!) ??
					detectTimeFormat(source.sample.map((row) => textOf(row[timeAt]))));
		if (timeAt >= 0 && !format)
			throw new MillwrightError('invalid-input', `${file.name}: the times in "${timeColumn}" could not be read`);
		const firstChannel = this.#channels.length;
		if (role === 'telemetry') this.#channels.push(...values);
		if (role === 'machines')
			this.#constantNames.push(
				...values.map((name) => ({ name, words: numeric.has(name) ? undefined : new Set<string>() }))
			);
		const wanted = [machineAt, timeAt, kindAt, ...valueAt].filter((k) => k >= 0).map((k) => source.columns[k]!);
		for await (const chunk of source.read(this.context.signal, wanted)) {
			for (let i = 0; i < chunk.rows.length; i++) {
				const row = chunk.rows[i]!;
				const place = `${file.name}, row ${chunk.rowNumbers?.[i] ?? chunk.firstRow + i}`;
				this.#rows++;
				if ('reason' in row) {
					this.faults.count('row that is no JSON', `${place}: ${row.message}`);
					continue;
				}
				const machine = textOf(row[machineAt]).trim();
				if (machine === '') {
					this.faults.count('row that names no machine', place);
					continue;
				}
				if (role === 'machines') {
					const own = new Map<string, Cell>();
					values.forEach((name, k) => {
						const cell = row[valueAt[k]!];
						own.set(name, numeric.has(name) ? numberOf(cell, comma[valueAt[k]!]!) : textOf(cell).trim());
						this.#constantNames.find((constant) => constant.name === name)?.words?.add(textOf(cell).trim());
					});
					this.#constants.set(machine, own);
					continue;
				}
				const time = format!.parse(textOf(row[timeAt]));
				if (time === undefined || !Number.isFinite(time)) {
					this.faults.count(`row without a "${timeColumn}"`, `${place}: ${describeValue(row[timeAt] ?? '')}`);
					continue;
				}
				const day = localDay(time);
				if (role === 'telemetry')
					this.#add(
						machine,
						Math.floor(day),
						firstChannel,
						valueAt.map((k) => numberOf(row[k], comma[k]!)),
						place,
						values
					);
				else if (role !== 'none')
					this.#events[role].push({
						machine,
						at: day,
						kind: kindAt < 0 ? role : textOf(row[kindAt]).trim() || 'not said'
					});
			}

			this.context.onProgress(Math.min(1, (this.#bytes + chunk.bytesRead) / Math.max(1, this.bytesTotal)), this.#rows);
		}
		this.#bytes += file.size;
	}

	#add(
		machine: string,
		day: number,
		first: number,
		values: readonly (number | undefined)[],
		place: string,
		names: readonly string[]
	): void {
		let days = this.#days.get(machine);
		if (!days) this.#days.set(machine, (days = new Map()));
		let sums = days.get(day);
		if (!sums || sums.length < 2 * this.#channels.length) {
			const wider = new Float64Array(2 * this.#channels.length);
			if (sums) wider.set(sums);
			days.set(day, (sums = wider));
		}
		values.forEach((value, k) => {
			if (value === undefined) return this.faults.count(`cell of "${names[k]}" without a value`, place);
			sums[2 * (first + k)]! += value;
			sums[2 * (first + k) + 1]!++;
		});
	}

	finish(): Omit<FleetReading, 'faults'> {
		if (this.#days.size === 0)
			throw new MillwrightError('invalid-file', 'The telemetry holds no row that could be used');
		const every = [...this.#days.values()].flatMap((days) => [...days.keys()]);
		const first = every.reduce((least, day) => Math.min(least, day), Infinity);
		const whole = every.reduce((most, day) => Math.max(most, day), -Infinity) - first + 1;
		if (whole > mostDays || whole * this.#days.size > mostMachineDays)
			throw new MillwrightError(
				'invalid-input',
				`The telemetry spans ${whole} days of ${this.#days.size} machines: more than ${mostMachineDays.toLocaleString('en-GB')} machine-days, or a wrong year among the times. Choose a part of it.`
			);
		for (const [role, events] of Object.entries(this.#events))
			for (const { machine } of events)
				if (!this.#days.has(machine)) this.faults.count(`entry of ${role} for a machine without telemetry`, machine);
		const distinct = (events: readonly Event[]) => [...new Set(events.map(({ kind }) => kind))].sort();
		const kinds = distinct(this.#events.errors);
		const components = distinct(this.#events.maintenance);
		const modeNames = distinct(this.#events.failures);
		for (const [names, what] of [
			[kinds, 'kinds of errors'],
			[components, 'components'],
			[modeNames, 'failure modes']
		] as const)
			if (names.length > mostWords)
				throw new MillwrightError(
					'invalid-input',
					`There are ${names.length} ${what}: choose a column with at most ${mostWords} different words`
				);
		const byMachine = (events: readonly Event[]) => {
			const found = new Map<string, Event[]>();
			for (const event of events) {
				const own = found.get(event.machine);
				if (own) own.push(event);
				else found.set(event.machine, [event]);
			}
			return (machine: string, kind?: string) =>
				[
					...new Set(
						(found.get(machine) ?? [])
							.filter((event) => kind === undefined || event.kind === kind)
							.map(({ at }) => at - first)
					)
				].sort((a, b) => a - b);
		};
		const failures = byMachine(this.#events.failures);
		const errors = byMachine(this.#events.errors);
		const replaced = byMachine(this.#events.maintenance);
		const width = this.#channels.length;
		const machines = [...this.#days].map(([id, own]) => {
			const days = Math.max(...own.keys()) - first + 1;
			const telemetry = new Float64Array(days * width).fill(Number.NaN);
			for (const [day, sums] of own)
				for (let c = 0; c < width; c++) {
					const count = sums[2 * c + 1] ?? 0;
					if (count > 0) telemetry[(day - first) * width + c] = sums[2 * c]! / count;
				}
			return {
				id,
				from: localStart(first),
				days: {
					telemetry,
					channelNames: this.#channels,
					days,
					errors: kinds.map((kind) => ({ kind, at: errors(id, kind) })),
					replacements: components.map((component) => ({ component, at: replaced(id, component) })),
					failures: failures(id),
					constants: this.#constantsOf(id)
				} satisfies MachineDays,
				modes: modeNames.map((name) => ({ name, at: failures(id, name) }))
			};
		});
		const constant = this.#channels.filter((_, c) => {
			const values = new Set<number>();
			for (const { days } of machines)
				for (let i = c; i < days.telemetry.length; i += width)
					if (!Number.isNaN(days.telemetry[i]!) && values.size < 2) values.add(days.telemetry[i]!);
			return values.size < 2;
		});
		if (constant.length === width)
			throw new MillwrightError('invalid-input', `None of the channels ever changes: ${constant.join(', ')}`);
		return { fleet: { machines: machines.map((machine) => without(machine, constant)) }, constant };
	}

	/** Numbers as they are, a 0/1 for each word. */
	#constantsOf(machine: string): MachineDays['constants'] {
		const own = this.#constants.get(machine);
		return this.#constantNames.flatMap(({ name, words }) => {
			const value = own?.get(name);
			return words
				? [...words].sort().map((word) => ({ name: `${name} is ${word}`, value: value === word ? 1 : 0 }))
				: [{ name, value: typeof value === 'number' ? value : 0 }];
		});
	}
}

function without<M extends { readonly days: MachineDays }>(machine: M, channels: readonly string[]): M {
	if (channels.length === 0) return machine;
	const { telemetry, channelNames, days } = machine.days;
	const kept = channelNames.map((name, c) => ({ name, c })).filter(({ name }) => !channels.includes(name));
	const values = new Float64Array(days * kept.length);
	for (let day = 0; day < days; day++)
		kept.forEach(({ c }, k) => (values[day * kept.length + k] = telemetry[day * channelNames.length + c]!));
	return { ...machine, days: { ...machine.days, telemetry: values, channelNames: kept.map(({ name }) => name) } };
}

/** Days on this device's calendar, with fractions: a change of the clocks moves no event into another day. */
function localDay(time: number): number {
	return (time - new Date(time).getTimezoneOffset() * 60_000) / dayMs;
}

function localStart(day: number): number {
	const utc = new Date(day * dayMs);
	return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate()).getTime();
}
