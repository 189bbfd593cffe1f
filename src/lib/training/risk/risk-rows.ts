/**
 * Training: what a failure classifier learns from, as features and labels. In: a table of labelled rows, or a fleet's days. Out: features, what is
 * told of each row (its failure, or a failure within 24 h, 72 h and 7 days), its failure modes, and what must stay together.
 */
import {
	fewestFailures,
	fewestMachinesToHoldOut,
	MillwrightError,
	type FleetDays,
	type RiskFeatureSpec,
	type RiskMachines,
	type RiskTable
} from '../../contracts';
import {
	alignDays,
	dayFeatures,
	daySpecOf,
	failsWithin,
	modeNamesOf,
	riskFeatureNames,
	rowFeatures,
	rowSpecOf
} from '../../prognostics';

/** Days ahead that are told. */
export const horizonDays = [1, 3, 7] as const;
/** Of too few machines, stretches of so many days are held out. */
const stretchDays = 28;
/** Days or rows of a unit that the LSTM looks back over. */
const lstmSteps = 14;
/** Failures of a mode below which nothing is learnt of it. */
const fewestOfMode = 10;
const fewestUnits = 2;
const mostFolds = 5;

export interface RiskTargetRows {
	readonly name: string;
	readonly horizonHours?: number;
	readonly labels: Uint8Array;
	readonly machines?: RiskMachines;
}

export interface RiskRows {
	readonly spec: RiskFeatureSpec;
	readonly featureNames: readonly string[];
	/** [rows, features]. */
	readonly rows: Float64Array;
	readonly targets: readonly RiskTargetRows[];
	/** Told of the rows as the last target is. */
	readonly modes: readonly { readonly name: string; readonly labels: Uint8Array }[];
	readonly ids: readonly string[];
	readonly of: Uint32Array;
	readonly day: Uint32Array;
	readonly folds: number;
	readonly heldOut?: 'units' | 'stretches';
	readonly units?: number;
}

/** @throws MillwrightError `not-enough-data` (failures, units) */
export function riskRowsOfTable(table: RiskTable, pairs: boolean): RiskRows {
	const { labels, modes, unit, ids } = table;
	const failures = labels.reduce((sum, label) => sum + label, 0);
	refuseFew(failures, 'rows that failed');
	if (unit && unit.names.length < fewestUnits)
		throw new MillwrightError(
			'not-enough-data',
			'All rows are of one unit: there is no other to judge on. Leave the unit out if its rows do not depend on each other.'
		);
	const spec = rowSpecOf(table, pairs);
	const machines = unit && {
		machine: unit.of,
		role: new Uint8Array(ids.length).fill(3),
		steps: unit.ordered ? lstmSteps : 1
	};
	return {
		spec,
		featureNames: riskFeatureNames(spec),
		rows: rowFeatures(spec, table.values, ids.length),
		targets: [{ name: 'failure', labels, ...(machines && { machines }) }],
		modes: modes.filter((mode) => mode.labels.reduce((sum, label) => sum + label, 0) >= fewestOfMode),
		ids,
		of: Uint32Array.from(ids, (_, i) => i),
		day: new Uint32Array(),
		folds: unit ? Math.min(mostFolds, unit.names.length) : mostFolds,
		...(unit && { heldOut: 'units' as const, units: unit.names.length })
	};
}

/** @throws MillwrightError `not-enough-data` */
export function riskRowsOfFleet(fleet: FleetDays): RiskRows {
	const { machines } = fleet;
	const failures = machines.reduce((sum, { days }) => sum + failuresWithin(days.failures, days.days), 0);
	refuseFew(failures, 'failures within the days of telemetry');
	const spec = daySpecOf(machines[0]!.days);
	const aligned = machines.map(({ days }) => alignDays(spec, days));
	const place = aligned.flatMap(({ days }, m) => Array.from({ length: days }, (_, day) => ({ m, day })));
	const whole = machines.length >= fewestMachinesToHoldOut;
	const groups = new Map<string, number>();
	const group = Uint16Array.from(place, ({ m, day }) => {
		const key = whole ? String(m) : `${m}/${Math.floor(day / stretchDays)}`;
		if (!groups.has(key)) groups.set(key, groups.size);
		return groups.get(key)!;
	});
	const longest = horizonDays.at(-1)!;
	const roleOf = (horizon: number) =>
		Uint8Array.from(place, ({ m, day }) => {
			// What comes after the last day is not known.
			if (day >= aligned[m]!.days - horizon) return 0;
			// The label of a stretch's last days is told by the next stretch: they are judged, not learnt from.
			return !whole && day % stretchDays >= stretchDays - horizon ? 2 : 3;
		});
	const labelsOf = (failures: (m: number) => readonly number[], horizon: number) =>
		Uint8Array.from(aligned.flatMap(({ days }, m) => [...failsWithin(failures(m), days, horizon)]));
	return {
		spec,
		featureNames: riskFeatureNames(spec),
		rows: Float64Array.from(aligned.flatMap((days) => [...dayFeatures(days)])),
		targets: horizonDays.map((horizon) => ({
			name: `failure within ${horizon === 7 ? '7 days' : `${horizon * 24} h`}`,
			horizonHours: horizon * 24,
			labels: labelsOf((m) => aligned[m]!.failures, horizon),
			machines: { machine: group, role: roleOf(horizon), steps: lstmSteps }
		})),
		modes: modeNamesOf(fleet)
			.map((name) => ({
				name,
				of: machines.map(({ modes }) => modes.find((mode) => mode.name === name)?.at ?? [])
			}))
			.filter(({ of }) => of.reduce((sum, at, m) => sum + failuresWithin(at, aligned[m]!.days), 0) >= fewestOfMode)
			.map(({ name, of }) => ({ name, labels: labelsOf((m) => of[m]!, longest) })),
		ids: machines.map(({ id }) => id),
		of: Uint32Array.from(place, ({ m }) => m),
		day: Uint32Array.from(place, ({ day }) => day),
		folds: Math.min(mostFolds, groups.size),
		heldOut: whole ? 'units' : 'stretches',
		units: machines.length
	};
}

/** Those that a day with telemetry comes before. */
const failuresWithin = (failures: readonly number[], days: number) =>
	failures.filter((at) => at > 1 && at <= days).length;

function refuseFew(failures: number, what: string): void {
	if (failures < fewestFailures)
		throw new MillwrightError(
			'not-enough-data',
			`A failure classifier is learnt from at least ${fewestFailures} ${what}; there are ${failures}.`,
			{ failures, needed: fewestFailures }
		);
}
