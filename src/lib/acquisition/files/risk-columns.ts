/**
 * Data Acquisition, files: which columns of a table that tells failures are what. In: a table's columns and first rows. Out: what it is taken
 * for alone (labelled rows) and beside others (telemetry of a fleet, a log of failures, errors, replacements, a list of machines).
 */
import type { FleetMapping, FleetRole, RiskMapping, RiskPreview } from '../../contracts';
import { isLabel } from './csv-columns';
import { numericColumns } from './table-cells';
import { openTable, textOf, type TableSource } from './table-source';
import { timeLikelihood } from './written-times';

const previewRows = 20;
const unitName = /^(machine|unit|asset|equipment|device|engine|pump|motor)[ _-]*(id|no|nr|name|number)?$/i;
const idName =
	/^(udi|uid|id|row|record|sample|index|operation|order|batch|serial|#)[ _-]*(id|no|nr|number)?$|^product[ _-]*id$/i;
const labelName = /^(is_?)?(failed|fails|broken|breakdown|defect(ive)?)([ _-]?(flag|label))?$/i;
const modeName = /(fail(ure)?|fault)[ _-]*(type|mode|cause|kind)/i;
const counterName = /^(day|row|index|nr|no)([ _-]?(num|number|nr|no|id))?$/i;
/** Words of a column above which it names rows rather than kinds of them. */
export const mostWords = 30;

/** First rows and what the columns are taken to be. @throws MillwrightError `invalid-file` */
export async function previewRisk(file: File): Promise<RiskPreview> {
	const source = await openTable(file);
	const numeric = numericColumns(source);
	const asRows = proposeRows(source, numeric);
	return {
		format: source.format,
		columns: source.columns,
		numeric: [...numeric],
		rows: source.sample.slice(0, previewRows).map((row) => row.map(textOf)),
		asRows,
		asFleet: proposeFleet(file.name, source, numeric),
		notes: source.notes
	};
}

function proposeRows(source: TableSource, numeric: ReadonlySet<string>): RiskMapping {
	const { columns, delimiter } = source;
	const cellsOf = (name: string) => source.sample.map((row) => textOf(row[columns.indexOf(name)]).trim());
	const label = columns.find((name) => isLabel(name)) ?? columns.find((name) => labelName.test(name.trim())) ?? '';
	const unitColumn = columns.find((name) => unitName.test(name.trim())) ?? '';
	const counts = (name: string) => {
		const cells = cellsOf(name).map(Number);
		return cells.length > 2 && cells.every((value, i) => i === 0 || value === cells[i - 1]! + 1);
	};
	const idColumn =
		columns.find((name) => name !== unitColumn && idName.test(name.trim())) ??
		columns.find((name) => name !== unitColumn && numeric.has(name) && counts(name)) ??
		'';
	const orderColumn = columns.find((name) => name !== idColumn && timeLikelihood(name) >= 2) ?? '';
	const after = label === '' ? [] : columns.slice(columns.indexOf(label) + 1);
	const flags = (name: string) => numeric.has(name) && cellsOf(name).every((cell) => /^(0|1)?$/.test(cell));
	const modes = columns.filter(
		(name) => name !== label && ((after.includes(name) && flags(name)) || modeName.test(name))
	);
	const taken = [label, unitColumn, idColumn, orderColumn, ...modes];
	const inputs = columns.filter((name) => {
		if (taken.includes(name) || isLabel(name)) return false;
		if (numeric.has(name)) return !counts(name);
		const cells = cellsOf(name).filter((cell) => cell !== '');
		const words = new Set(cells).size;
		return words >= 2 && words <= Math.min(mostWords, cells.length / 3);
	});
	return { delimiter, idColumn, unitColumn, orderColumn: unitColumn === '' ? '' : orderColumn, inputs, label, modes };
}

function proposeFleet(fileName: string, source: TableSource, numeric: ReadonlySet<string>): FleetMapping {
	const { columns, delimiter } = source;
	const machineColumn = columns.find((name) => unitName.test(name.trim())) ?? '';
	const timeColumn =
		[...columns]
			.filter((name) => name !== machineColumn && timeLikelihood(name) > 0)
			.sort((a, b) => timeLikelihood(b) - timeLikelihood(a))[0] ?? '';
	const rest = columns.filter((name) => ![machineColumn, timeColumn].includes(name) && !counterName.test(name.trim()));
	const words = rest.filter((name) => !numeric.has(name));
	const numbers = rest.filter((name) => numeric.has(name));
	const role = roleOf(`${fileName} ${rest.join(' ')}`, machineColumn, timeColumn, numbers.length);
	const events = role === 'failures' || role === 'errors' || role === 'maintenance';
	return {
		role,
		delimiter,
		machineColumn,
		timeColumn,
		kindColumn: events ? (words[0] ?? rest[0] ?? '') : '',
		values: role === 'telemetry' ? numbers : role === 'machines' ? rest : []
	};
}

function roleOf(words: string, machineColumn: string, timeColumn: string, numbers: number): FleetRole {
	if (machineColumn === '') return 'none';
	if (timeColumn === '') return 'machines';
	if (numbers >= 2) return 'telemetry';
	if (/fail|breakdown/i.test(words)) return 'failures';
	if (/err|alarm|fault/i.test(words)) return 'errors';
	if (/maint|repair|replac|service|comp/i.test(words)) return 'maintenance';
	return numbers > 0 ? 'telemetry' : 'errors';
}
