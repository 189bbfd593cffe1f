/**
 * Benchmarks: the Azure predictive-maintenance tables, one record per machine. In: their folder. Out: daily telemetry, errors,
 * replacements, failures and age by machine, in days since the first day of telemetry.
 */
import { join } from 'node:path';
import type { MachineDays } from '../../../src/lib/prognostics';
import { readText } from './files';

const dayMs = 86_400_000;
const channels = ['volt', 'rotate', 'pressure', 'vibration'];

export function readAzure(folder: string): { machineId: string; machine: MachineDays }[] {
	const telemetry = table(folder, 'telemetry_daily_mean.csv');
	const errors = table(folder, 'PdM_errors.csv');
	const failures = table(folder, 'PdM_failures.csv');
	const replaced = table(folder, 'PdM_maint.csv');
	const machines = table(folder, 'PdM_machines.csv');
	const firstDay = Math.min(...telemetry.map((row) => Date.parse(`${row['date']}Z`)));
	const at = (row: Row) => (Date.parse(`${row['datetime']!.replace(' ', 'T')}Z`) - firstDay) / dayMs;
	const kinds = distinct(errors, 'errorID');
	const components = distinct(replaced, 'comp');
	const models = distinct(machines, 'model');
	return machines.map((machine) => {
		const machineId = machine['machineID']!;
		const own = (rows: readonly Row[]) => rows.filter((row) => row['machineID'] === machineId);
		const times = (rows: readonly Row[]) => [...new Set(rows.map(at))].sort((a, b) => a - b);
		const daily = own(telemetry);
		const day = (row: Row) => Math.round((Date.parse(`${row['date']}Z`) - firstDay) / dayMs);
		const days = Math.max(...daily.map(day)) + 1;
		const values = new Float64Array(days * channels.length).fill(Number.NaN);
		for (const row of daily)
			channels.forEach((name, c) => (values[day(row) * channels.length + c] = Number(row[name])));
		return {
			machineId,
			machine: {
				telemetry: values,
				channelNames: channels,
				days,
				errors: kinds.map((kind) => ({ kind, at: times(own(errors).filter((row) => row['errorID'] === kind)) })),
				replacements: components.map((component) => ({
					component,
					at: times(own(replaced).filter((row) => row['comp'] === component))
				})),
				failures: times(own(failures)),
				constants: [
					{ name: 'age years', value: Number(machine['age']) },
					...models.map((model) => ({ name: model, value: machine['model'] === model ? 1 : 0 }))
				]
			}
		};
	});
}

type Row = Readonly<Record<string, string>>;

function table(folder: string, file: string): Row[] {
	const [head, ...lines] = readText(join(folder, file)).replaceAll('"', '').trim().split(/\r?\n/);
	const names = head!.split(',');
	return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i]!, cell])));
}

const distinct = (rows: readonly Row[], name: string) => [...new Set(rows.map((row) => row[name]!))].sort();
