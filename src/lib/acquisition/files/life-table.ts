/**
 * Data Acquisition, files: a table of units that ran to failure. In: a File and what its columns mean. Out: one history per unit, and
 * in words what was left out or refused. Whatever would let a model see the answer is refused: a unit given twice, a column that
 * counts down to the failure.
 */
import {
	MillwrightError,
	type LifeMapping,
	type LifePreview,
	type LifeReading,
	type LifeSummary,
	type UnitHistory
} from '../../contracts';
import { describeValue } from '../decode/numbers';
import { cmapssColumns, isCmapss, proposeLifeMapping } from './life-columns';
import { commaIn, Faults, numericColumns, saysFailure, timeFormatOf } from './table-cells';
import { numberOf, openTable, textOf, type Cell, type TableSource } from './table-source';
import { averaged, isConstant, refuseAnswer, refuseTwins, toLife, usualStepHours, type RawUnit } from './unit-lives';

const previewRows = 20;
/** Numbers that are held in memory at once: 400 MB as float64 would not fit a tablet, 200 MB as float32 does. */
const mostCells = 50_000_000;
/** A middle life of more rows than this is averaged down to about half of it. */
const mostSteps = 600;

/** Columns as a person sees them. */
const namesOf = (source: TableSource) => (isCmapss(source) ? cmapssColumns : source.columns);

/** First rows and what the columns are taken to be. @throws MillwrightError `invalid-file` */
export async function previewLives(file: File): Promise<LifePreview> {
	const source = await openTable(file);
	const columns = namesOf(source);
	const numeric = numericColumns(source, columns);
	const proposed = proposeLifeMapping(columns, numeric, source.delimiter);
	const text = columns.filter(
		(name) => !numeric.has(name) && name !== proposed.unitColumn && name !== proposed.orderColumn
	);
	const notes = isCmapss(source)
		? ['26 nameless columns: read as a C-MAPSS file (unit, cycle, 3 operating settings, 21 sensors).']
		: [...source.notes];
	if (proposed.unitColumn === '') notes.push('No column was recognised as the unit: choose the one that names it.');
	if (proposed.end.kind === 'last-row')
		notes.push('Nothing says when a unit failed: each is taken to have failed at its last row.');
	else notes.push(`When a unit failed is read from "${proposed.end.column}".`);
	if (text.length > 0) notes.push(`Without numbers, so not used: ${text.join(', ')}.`);
	return {
		format: source.format,
		columns,
		rows: source.sample.slice(0, previewRows).map((row) => row.map(textOf)),
		proposed,
		notes
	};
}

export interface LifeContext {
	readonly signal: AbortSignal;
	/** 0-1 of the file. */
	readonly onProgress: (fraction: number, rows: number) => void;
}

/**
 * Reads every unit.
 * @throws MillwrightError `invalid-file`, `invalid-input` (the columns do not fit, the table holds its own answer), `aborted`
 */
export async function readLives(file: File, mapping: LifeMapping, context: LifeContext): Promise<LifeReading> {
	const source = await openTable(file, mapping.delimiter);
	const names = namesOf(source);
	const indexOf = (column: string) => {
		const at = names.indexOf(column);
		if (at < 0)
			throw new MillwrightError('invalid-input', `${file.name} has no column "${column}"`, { columns: names });
		return at;
	};
	if (mapping.unitColumn === '') throw new MillwrightError('invalid-input', 'Choose the column that names the unit');
	if (mapping.sensors.length === 0) throw new MillwrightError('invalid-input', 'Choose at least one sensor');
	const roles = [mapping.unitColumn, mapping.orderColumn, ...mapping.settings, ...mapping.sensors].filter(Boolean);
	if (mapping.end.kind !== 'last-row') roles.push(mapping.end.column);
	const twice = roles.find((name, k) => roles.indexOf(name) !== k);
	if (twice !== undefined)
		throw new MillwrightError('invalid-input', `"${twice}" was chosen twice: a column has one meaning`, {
			column: twice
		});

	const unitAt = indexOf(mapping.unitColumn);
	const orderAt = mapping.orderColumn === '' ? -1 : indexOf(mapping.orderColumn);
	const endAt = mapping.end.kind === 'last-row' ? -1 : indexOf(mapping.end.column);
	const valueNames = [...mapping.settings, ...mapping.sensors];
	const valueAt = valueNames.map(indexOf);
	const comma = names.map((_, at) => commaIn(source, at));
	const timeFormat = orderAt < 0 ? undefined : timeFormatOf(source, orderAt, comma[orderAt]!);
	const faults = new Faults();
	const units = new Map<string, RawUnit>();
	let rows = 0;
	const wanted = [unitAt, orderAt, endAt, ...valueAt].filter((at) => at >= 0).map((at) => source.columns[at]!);
	for await (const chunk of source.read(context.signal, wanted)) {
		for (let i = 0; i < chunk.rows.length; i++) {
			const row = chunk.rows[i]!;
			const line = chunk.rowNumbers?.[i] ?? chunk.firstRow + i;
			rows++;
			if ('reason' in row) {
				faults.count('row that is no JSON', `row ${line}: ${row.message}`);
				continue;
			}
			const unitId = textOf(row[unitAt]).trim();
			if (unitId === '') {
				faults.count('row that names no unit', `row ${line}`);
				continue;
			}
			let order = rows;
			if (orderAt >= 0) {
				const cell = row[orderAt];
				const said = timeFormat ? timeFormat.parse(textOf(cell)) : numberOf(cell, comma[orderAt]!);
				if (said === undefined || !Number.isFinite(said)) {
					faults.count(`row without a "${mapping.orderColumn}"`, `row ${line}: ${describeValue(cell ?? '')}`);
					continue;
				}
				order = said;
			}
			const values = new Float32Array(valueAt.length);
			for (let k = 0; k < valueAt.length; k++) {
				const at = valueAt[k]!;
				const value = numberOf(row[at], comma[at]!);
				if (value === undefined)
					faults.count(`cell of "${valueNames[k]}" that is no number`, `row ${line}: ${describeValue(row[at] ?? '')}`);
				values[k] = value ?? NaN;
			}
			let unit = units.get(unitId);
			if (!unit) units.set(unitId, (unit = { order: [], values: [], end: [], lines: [] }));
			unit.order.push(order);
			unit.values.push(values);
			unit.lines.push(line);
			unit.end.push(endAt < 0 ? undefined : endCell(row[endAt], mapping, comma[endAt]!));
		}
		if (rows * valueAt.length > mostCells)
			throw new MillwrightError(
				'invalid-input',
				`${file.name} has more than ${mostCells.toLocaleString('en-GB')} values of the chosen columns: choose fewer columns, or a part of the units`
			);
		context.onProgress(file.size > 0 ? chunk.bytesRead / file.size : 1, rows);
	}
	if (units.size === 0) throw new MillwrightError('invalid-file', `${file.name} holds no row that could be used`);

	const whole = [...units].map(([unitId, raw]) => toLife(unitId, raw, mapping, faults));
	if (!mapping.stillRunning) refuseTwins(whole);
	const wholeLengths = whole.map(({ values }) => values.length).sort((a, b) => a - b);
	const middle = wholeLengths[wholeLengths.length >> 1]!;
	const rowsPerStep =
		mapping.stillRunning?.rowsPerStep ?? (middle > mostSteps ? Math.ceil((2 * middle) / mostSteps) : 1);
	const sorted = rowsPerStep === 1 ? whole : whole.map((life) => averaged(life, rowsPerStep));
	const settings = mapping.settings.length;
	const constant = mapping.stillRunning ? [] : valueNames.filter((_, k) => isConstant(sorted, k));
	const kept = mapping.sensors
		.map((name, k) => ({ name, at: settings + k }))
		.filter(({ name }) => !constant.includes(name));
	if (kept.length === 0)
		throw new MillwrightError('invalid-input', `None of the chosen sensors ever changes: ${constant.join(', ')}`, {
			constant
		});
	for (const { name, at } of kept) refuseAnswer(sorted, name, at);
	const keptSettings = mapping.settings
		.map((name, k) => ({ name, at: k }))
		.filter(({ name }) => !constant.includes(name));
	const histories = {
		sensorNames: kept.map(({ name }) => name),
		settingNames: keptSettings.map(({ name }) => name),
		stepName: rowsPerStep === 1 ? mapping.stepName.trim() || 'step' : 'step',
		...(rowsPerStep > 1 && { rowsPerStep }),
		units: sorted.map(({ unitId, values, failed, remainingAtEnd }): UnitHistory => ({
			unitId,
			steps: values.length,
			settings: pick(values, keptSettings),
			sensors: pick(values, kept),
			failed,
			...(remainingAtEnd > 0 && { remainingAtEnd })
		}))
	};
	const lengths = sorted.map(({ values }) => values.length).sort((a, b) => a - b);
	const stepHours = timeFormat ? usualStepHours(sorted) : mapping.stepName === 'hour' ? rowsPerStep : undefined;
	const summary: LifeSummary = {
		rows,
		units: sorted.length,
		failedUnits: sorted.filter(({ failed }) => failed).length,
		steps: [lengths[0]!, lengths[lengths.length >> 1]!, lengths.at(-1)!],
		rowsPerStep,
		...(stepHours !== undefined && { stepHours }),
		constant,
		faults: faults.list()
	};
	return { histories, summary };
}

/** 1 or 0 of a label, the steps left of a remaining life. */
function endCell(cell: Cell, mapping: LifeMapping, comma: boolean): number | undefined {
	if (mapping.end.kind === 'remaining') return numberOf(cell, comma);
	return saysFailure(cell, comma) ? 1 : 0;
}

function pick(values: readonly Float32Array[], columns: readonly { readonly at: number }[]): Float32Array {
	const picked = new Float32Array(values.length * columns.length);
	values.forEach((row, t) => columns.forEach(({ at }, k) => (picked[t * columns.length + k] = row[at]!)));
	return picked;
}
