/**
 * Data Acquisition, files: a table of labelled rows. In: a File and what its columns mean. Out: inputs, labels and failure modes, and in words
 * what was left out or refused. Whatever would let a model see the answer is refused: a column that is the label, one that says how a
 * row failed, one unit under two names.
 */
import { MillwrightError, type RiskInput, type RiskMapping, type RiskTableReading } from '../../contracts';
import { describeValue } from '../decode/numbers';
import { mostWords } from './risk-columns';
import { commaIn, Faults, numericColumns, saysFailure, timeFormatOf } from './table-cells';
import { numberOf, openTable, textOf } from './table-source';

const mostRows = 500_000;
const mostUnits = 65_535;
/** Rows with a flag, nearly all of them failed: the flag says how, and is known only afterwards. */
const tellingRows = 5;
const tellingShare = 0.95;

export interface RiskReadContext {
	readonly signal: AbortSignal;
	/** 0-1 of what is read. */
	readonly onProgress: (fraction: number, rows: number) => void;
}

/**
 * Reads every row. Without a label column nothing is refused but what cannot be read: the rows are to be predicted.
 * @throws MillwrightError `invalid-file`, `invalid-input` (the columns do not fit, the table holds its own answer), `aborted`
 */
export async function readRiskTable(
	file: File,
	mapping: RiskMapping,
	{ signal, onProgress }: RiskReadContext
): Promise<RiskTableReading> {
	const source = await openTable(file, mapping.delimiter);
	const at = (column: string) => {
		const place = source.columns.indexOf(column);
		if (column !== '' && place < 0)
			throw new MillwrightError('invalid-input', `${file.name} has no column "${column}"`, { columns: source.columns });
		return place;
	};
	const { inputs, modes, label } = mapping;
	if (inputs.length === 0) throw new MillwrightError('invalid-input', 'Choose at least one input');
	const roles = [mapping.unitColumn, mapping.orderColumn, label, ...modes, ...inputs].filter(Boolean);
	const twice = roles.find((name, k) => roles.indexOf(name) !== k);
	if (twice !== undefined)
		throw new MillwrightError(
			'invalid-input',
			twice === label || modes.includes(twice)
				? `"${twice}" says that or how a row failed: it is the answer, and cannot be an input as well`
				: `"${twice}" was chosen twice: a column has one meaning`,
			{ column: twice }
		);
	const [idAt, unitAt, orderAt, labelAt] = [mapping.idColumn, mapping.unitColumn, mapping.orderColumn, label].map(at);
	const inputAt = inputs.map(at);
	const modeAt = modes.map(at);
	const numeric = numericColumns(source);
	const comma = source.columns.map((_, k) => commaIn(source, k));
	const words = inputs.map((name) => (numeric.has(name) ? undefined : new Map<string, number>()));
	const timeFormat = orderAt! < 0 ? undefined : timeFormatOf(source, orderAt!, comma[orderAt!]!);
	const faults = new Faults();
	const found: Row[] = [];
	const unitNames = new Map<string, number>();
	const modeWords = new Map<string, number>();
	const textModes = modes.map((name) => !numeric.has(name));
	const wanted = [idAt!, unitAt!, orderAt!, labelAt!, ...inputAt, ...modeAt]
		.filter((place) => place >= 0)
		.map((place) => source.columns[place]!);
	let rows = 0;
	for await (const chunk of source.read(signal, wanted)) {
		for (let i = 0; i < chunk.rows.length; i++) {
			const row = chunk.rows[i]!;
			const line = chunk.rowNumbers?.[i] ?? chunk.firstRow + i;
			rows++;
			if ('reason' in row) {
				faults.count('row that is no JSON', `row ${line}: ${row.message}`);
				continue;
			}
			if (labelAt! >= 0 && textOf(row[labelAt!]).trim() === '') {
				faults.count(`row without a "${label}"`, `row ${line}`);
				continue;
			}
			const unitName = unitAt! < 0 ? '' : textOf(row[unitAt!]).trim();
			if (unitAt! >= 0 && unitName === '') {
				faults.count('row that names no unit', `row ${line}`);
				continue;
			}
			if (unitAt! >= 0 && !unitNames.has(unitName)) unitNames.set(unitName, unitNames.size);
			let order = rows;
			if (orderAt! >= 0) {
				const cell = row[orderAt!];
				const said = timeFormat ? timeFormat.parse(textOf(cell)) : numberOf(cell, comma[orderAt!]!);
				if (said === undefined) {
					faults.count(`row without a "${mapping.orderColumn}"`, `row ${line}: ${describeValue(cell ?? '')}`);
					continue;
				}
				order = said;
			}
			const values = new Float64Array(inputs.length);
			let known = 0;
			for (let k = 0; k < inputs.length; k++) {
				const cell = row[inputAt[k]!];
				const vocabulary = words[k];
				let value: number | undefined;
				if (vocabulary) {
					const word = textOf(cell).trim();
					if (word !== '' && !vocabulary.has(word)) vocabulary.set(word, vocabulary.size);
					value = word === '' ? undefined : vocabulary.get(word)!;
				} else value = numberOf(cell, comma[inputAt[k]!]!);
				if (value === undefined)
					faults.count(`cell of "${inputs[k]}" without a value`, `row ${line}: ${describeValue(cell ?? '')}`);
				else known++;
				values[k] = value ?? Number.NaN;
			}
			if (known === 0) {
				faults.count('row without any input', `row ${line}`);
				continue;
			}
			const failed = labelAt! >= 0 && saysFailure(row[labelAt!], comma[labelAt!]!);
			const how: number[] = [];
			modeAt.forEach((place, k) => {
				const cell = row[place];
				if (!saysFailure(cell, comma[place]!)) return;
				const name = textModes[k] ? textOf(cell).trim() : modes[k]!;
				if (!modeWords.has(name)) modeWords.set(name, modeWords.size);
				how.push(modeWords.get(name)!);
			});
			const id = idAt! < 0 ? `row ${line}` : textOf(row[idAt!]).trim() || `row ${line}`;
			found.push({ id, unit: unitAt! < 0 ? -1 : unitNames.get(unitName)!, order, values, failed, how });
		}
		if (found.length > mostRows)
			throw new MillwrightError(
				'invalid-input',
				`${file.name} has more than ${mostRows.toLocaleString('en-GB')} rows: choose a part of them`
			);
		onProgress(file.size > 0 ? chunk.bytesRead / file.size : 1, rows);
	}
	if (found.length === 0) throw new MillwrightError('invalid-file', `${file.name} holds no row that could be used`);
	if (unitNames.size > mostUnits)
		throw new MillwrightError('invalid-input', `"${mapping.unitColumn}" names more than ${mostUnits} units`);

	inputs.forEach((name, k) => {
		if ((words[k]?.size ?? 0) > mostWords)
			throw new MillwrightError(
				'invalid-input',
				`"${name}" has ${words[k]!.size} different words: it names rows rather than saying what they were. Leave it out, or choose it as what a row is called.`,
				{ column: name }
			);
	});
	const training = labelAt! >= 0;
	const single = training && unitAt! < 0;
	const { kept, twins } = single ? withoutTwins(found) : { kept: found, twins: 0 };
	if (unitAt! >= 0) {
		kept.sort((a, b) => a.unit - b.unit || a.order - b.order);
		if (training) refuseSameUnits(kept, [...unitNames.keys()]);
	}
	const constant = training ? inputs.filter((_, k) => isConstant(kept, k)) : [];
	const used = inputs.map((name, k) => ({ name, k })).filter(({ name }) => !constant.includes(name));
	if (used.length === 0)
		throw new MillwrightError('invalid-input', `None of the chosen inputs ever changes: ${constant.join(', ')}`);
	if (training) for (const { name, k } of used) refuseAnswer(kept, name, k, label, words[k] && [...words[k].keys()]);
	const values = new Float64Array(kept.length * used.length);
	kept.forEach((row, i) => used.forEach(({ k }, j) => (values[i * used.length + j] = row.values[k]!)));
	return {
		table: {
			inputs: used.map(({ name, k }): RiskInput => ({ name, ...(words[k] && { categories: [...words[k].keys()] }) })),
			values,
			ids: kept.map(({ id }) => id),
			labels: training ? Uint8Array.from(kept, ({ failed }) => (failed ? 1 : 0)) : new Uint8Array(),
			modes: [...modeWords].map(([name, m]) => ({
				name,
				labels: Uint8Array.from(kept, ({ how }) => (how.includes(m) ? 1 : 0))
			})),
			...(unitAt! >= 0 && {
				unit: {
					names: [...unitNames.keys()],
					of: Uint16Array.from(kept, ({ unit }) => unit),
					ordered: orderAt! >= 0
				}
			})
		},
		twins,
		constant,
		faults: faults.list()
	};
}

interface Row {
	readonly id: string;
	readonly unit: number;
	readonly order: number;
	readonly values: Float64Array;
	readonly failed: boolean;
	readonly how: readonly number[];
}

/** The same row twice would stand on both sides of a split: it is kept once. Of one or two inputs equal rows say nothing. */
function withoutTwins(rows: Row[]): { kept: Row[]; twins: number } {
	if (rows[0]!.values.length < 3) return { kept: rows, twins: 0 };
	const seen = new Set<string>();
	const kept = rows.filter(({ values, failed }) => {
		const key = `${failed ? 1 : 0}|${values.join()}`;
		if (seen.has(key)) return false;
		seen.add(key);
		return true;
	});
	return { kept, twins: rows.length - kept.length };
}

/** `rows` by unit. */
function refuseSameUnits(rows: readonly Row[], names: readonly string[]): void {
	const byUnit = new Map<number, string[]>();
	for (const { unit, values } of rows) {
		const own = byUnit.get(unit);
		if (own) own.push(values.join());
		else byUnit.set(unit, [values.join()]);
	}
	const seen = new Map<string, number>();
	for (const [unit, lines] of byUnit) {
		if (lines.length < 3) continue;
		const key = lines.join('|');
		const other = seen.get(key);
		if (other !== undefined)
			throw new MillwrightError(
				'invalid-input',
				`Unit ${names[other]} and unit ${names[unit]} have the same rows: one would be learnt from and the other judged, and the model would look better than it is. Take one of them out.`,
				{ units: [names[other], names[unit]] }
			);
		seen.set(key, unit);
	}
}

function isConstant(rows: readonly Row[], k: number): boolean {
	const first = rows.find(({ values }) => !Number.isNaN(values[k]!))?.values[k];
	return rows.every(({ values }) => Number.isNaN(values[k]!) || values[k] === first);
}

/** A column that has the label's values, and a flag that is raised in failed rows only. */
function refuseAnswer(
	rows: readonly Row[],
	name: string,
	k: number,
	label: string,
	words: readonly string[] | undefined
): void {
	const counts = new Map<number, { rows: number; failed: number }>();
	for (const { values, failed } of rows) {
		const value = values[k]!;
		if (Number.isNaN(value)) continue;
		let count = counts.get(value);
		if (!count) {
			if (counts.size > mostWords) return;
			counts.set(value, (count = { rows: 0, failed: 0 }));
		}
		count.rows++;
		if (failed) count.failed++;
	}
	const each = [...counts];
	// Of values that hardly recur nothing can be said.
	if (rows.length < 3 * each.length) return;
	if (each.every(([, count]) => count.failed === 0 || count.failed === count.rows))
		throw new MillwrightError(
			'invalid-input',
			`"${name}" says the same as "${label}" in every row: it is the answer, not an input. Leave it out.`,
			{ column: name }
		);
	const failedShare = rows.filter(({ failed }) => failed).length / rows.length;
	if (failedShare > 0.5) return;
	for (const [value, count] of each)
		if (
			count.rows >= tellingRows &&
			count.failed / count.rows >= tellingShare &&
			counts.size <= (words ? mostWords : 2)
		)
			throw new MillwrightError(
				'invalid-input',
				`"${name}" is ${words ? words[value] : value} in ${count.rows} rows, and ${count.failed} of them failed: it seems to say how a row failed, which is known only afterwards. Choose it as a failure mode, or leave it out.`,
				{ column: name }
			);
}
