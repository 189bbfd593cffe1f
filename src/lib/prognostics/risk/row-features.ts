/**
 * Prognostics: what a row becomes before a failure classifier sees it. In: inputs as a table has them. Out: features by name: numbers as they
 * are, a 0/1 for each word of a category, and, where wanted, products and differences of every two numbers (power is torque times speed, wear of
 * heat a difference of temperatures: a tree cuts along single features only, and would need many cuts for one such line).
 */
import {
	MillwrightError,
	type FleetDays,
	type MachineDays,
	type RiskFeatureSpec,
	type RiskInput,
	type RiskTable
} from '../../contracts';
import { dayFeatureNames } from './day-features';

/** Numbers above which pairs would make more features than rows can bear. */
export const mostPairedInputs = 8;

type RowSpec = Extract<RiskFeatureSpec, { kind: 'rows' }>;
type DaySpec = Extract<RiskFeatureSpec, { kind: 'days' }>;

/** What a table's rows become; unknown values are replaced by the median (a category's commonest word) of these rows. */
export function rowSpecOf({ inputs, values, ids }: RiskTable, pairs: boolean): RowSpec {
	const fill = inputs.map(({ categories }, k) => {
		const known = Float64Array.from(ids, (_, i) => values[i * inputs.length + k]!).filter((v) => !Number.isNaN(v));
		if (categories) {
			const counts = categories.map((_, c) => known.reduce((sum, value) => sum + (value === c ? 1 : 0), 0));
			return counts.indexOf(Math.max(...counts));
		}
		return known.sort()[known.length >> 1] ?? 0;
	});
	return { kind: 'rows', inputs, fill, pairs: pairs && numbersOf(inputs).length <= mostPairedInputs };
}

export function daySpecOf({ channelNames, errors, replacements, constants }: MachineDays): DaySpec {
	return {
		kind: 'days',
		channels: channelNames,
		errors: errors.map(({ kind }) => kind),
		components: replacements.map(({ component }) => component),
		constants: constants.map(({ name }) => name)
	};
}

export function riskFeatureNames(spec: RiskFeatureSpec): string[] {
	if (spec.kind === 'days') return dayFeatureNames(emptyDays(spec));
	const names = spec.inputs.flatMap(({ name, categories }) =>
		categories ? categories.map((word) => `${name} is ${word}`) : name
	);
	if (!spec.pairs) return names;
	const numbers = numbersOf(spec.inputs).map((k) => spec.inputs[k]!.name);
	return [...names, ...pairsOf(numbers).flatMap(([a, b]) => [`${a} × ${b}`, `${a} − ${b}`])];
}

/** [rows, features], row-major, finite. `values` [rows, inputs] of the spec's inputs, in its order. */
export function rowFeatures(spec: RowSpec, values: Float64Array, count: number): Float64Array {
	const { inputs, fill, pairs } = spec;
	const numbers = numbersOf(inputs);
	const rows: number[] = [];
	for (let i = 0; i < count; i++) {
		const known = inputs.map((_, k) => {
			const value = values[i * inputs.length + k]!;
			return Number.isNaN(value) ? fill[k]! : value;
		});
		inputs.forEach(({ categories }, k) => {
			if (categories) categories.forEach((_, c) => rows.push(known[k] === c ? 1 : 0));
			else rows.push(known[k]!);
		});
		if (pairs) for (const [a, b] of pairsOf(numbers)) rows.push(known[a]! * known[b]!, known[a]! - known[b]!);
	}
	return Float64Array.from(rows);
}

/**
 * A table's rows as a model reads them: its inputs found by name, words by their place among the model's.
 * @throws MillwrightError `invalid-input` naming the inputs that are not there
 */
export function alignTable(spec: RowSpec, table: RiskTable): Float64Array {
	const places = spec.inputs.map(({ name }) => table.inputs.findIndex((input) => input.name === name));
	const lacking = spec.inputs.filter((_, k) => places[k]! < 0).map(({ name }) => name);
	if (lacking.length > 0)
		throw new MillwrightError('invalid-input', `The model reads columns that are not there: ${lacking.join(', ')}`, {
			lacking
		});
	const width = table.inputs.length;
	const aligned = new Float64Array(table.ids.length * spec.inputs.length);
	table.ids.forEach((_, i) =>
		places.forEach((at, k) => {
			const value = table.values[i * width + at]!;
			const known = spec.inputs[k]!.categories;
			const words = table.inputs[at]!.categories;
			aligned[i * places.length + k] =
				known && !Number.isNaN(value)
					? categoryOf(known, words ? words[value]! : String(value))
					: known || !words
						? value
						: Number.NaN;
		})
	);
	return aligned;
}

const categoryOf = (known: readonly string[], word: string) => {
	const at = known.indexOf(word);
	return at < 0 ? Number.NaN : at;
};

/** Channels that the model reads and the machine has not. */
export function lackingChannels(spec: DaySpec, channels: readonly string[]): string[] {
	return spec.channels.filter((name) => !channels.includes(name));
}

/** One machine's days as a model reads them, by name; what never happened to it has no times, a constant it lacks is 0. */
export function alignDays(spec: DaySpec, machine: MachineDays): MachineDays {
	const lacking = lackingChannels(spec, machine.channelNames);
	if (lacking.length > 0)
		throw new MillwrightError('invalid-input', `The model reads channels that are not there: ${lacking.join(', ')}`, {
			lacking
		});
	const from = machine.channelNames.length;
	const places = spec.channels.map((name) => machine.channelNames.indexOf(name));
	const telemetry = new Float64Array(machine.days * places.length);
	for (let day = 0; day < machine.days; day++)
		places.forEach((at, k) => (telemetry[day * places.length + k] = machine.telemetry[day * from + at]!));
	const emptied = emptyDays(spec);
	return {
		...machine,
		telemetry,
		channelNames: spec.channels,
		errors: emptied.errors.map((none) => machine.errors.find(({ kind }) => kind === none.kind) ?? none),
		replacements: emptied.replacements.map(
			(none) => machine.replacements.find(({ component }) => component === none.component) ?? none
		),
		constants: emptied.constants.map((none) => machine.constants.find(({ name }) => name === none.name) ?? none)
	};
}

/** Modes of a whole fleet, the commonest first. */
export function modeNamesOf({ machines }: FleetDays): string[] {
	const counts = new Map<string, number>();
	for (const { modes } of machines)
		for (const { name, at } of modes) counts.set(name, (counts.get(name) ?? 0) + at.length);
	return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

function emptyDays({ channels, errors, components, constants }: DaySpec): MachineDays {
	return {
		telemetry: new Float64Array(),
		channelNames: channels,
		days: 0,
		errors: errors.map((kind) => ({ kind, at: [] })),
		replacements: components.map((component) => ({ component, at: [] })),
		failures: [],
		constants: constants.map((name) => ({ name, value: 0 }))
	};
}

const numbersOf = (inputs: readonly RiskInput[]) => inputs.flatMap(({ categories }, k) => (categories ? [] : [k]));

function pairsOf<T>(of: readonly T[]): [T, T][] {
	return of.flatMap((a, i) => of.slice(i + 1).map((b): [T, T] => [a, b]));
}
