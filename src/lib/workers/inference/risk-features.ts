/**
 * Inference: what a failure classifier reads of a machine now. In: stored readings, recorded failures, the model's features. Out: one row of
 * features with its time - of the last whole day, or of the newest readings - or what is missing for it.
 */
import {
	sensorIdOf,
	sensorOfColumn,
	type EpochMs,
	type FailureModelVersion,
	type MachineId,
	type RiskFeatureSpec
} from '../../contracts';
import { alignDays, dayFeatures, daysLookedBack, rowFeatures } from '../../prognostics';
import type { Store } from '../../storage/store';
import { dayMs, machineDaysOf } from '../machine-days';

export interface FeatureRow {
	readonly features: Float64Array;
	readonly time: EpochMs;
}

type Spec<K extends RiskFeatureSpec['kind']> = Extract<RiskFeatureSpec, { kind: K }>;

export function newestRow(
	store: Store,
	machineId: MachineId,
	{ features, featureNames }: FailureModelVersion,
	now: EpochMs
): Promise<FeatureRow | { readonly missing: string }> {
	return features.kind === 'days'
		? lastDay(store, machineId, features, featureNames.length, now)
		: newestReadings(store, machineId, features);
}

async function lastDay(
	store: Store,
	machineId: MachineId,
	spec: Spec<'days'>,
	width: number,
	now: EpochMs
): Promise<FeatureRow | { readonly missing: string }> {
	const machine = await machineDaysOf(store, machineId, spec, now, daysLookedBack);
	if (!machine) return { missing: 'Less than one day of readings is stored of this machine' };
	const { days, from } = machine;
	const silent = spec.channels.filter((_, c) =>
		Number.isNaN(days.telemetry[(days.days - 1) * spec.channels.length + c]!)
	);
	if (silent.length > 0) return { missing: `Nothing came within its last day from ${silent.join(', ')}` };
	const features = dayFeatures(alignDays(spec, days));
	return { features: features.subarray(features.length - width), time: from + days.days * dayMs };
}

async function newestReadings(
	store: Store,
	machineId: MachineId,
	spec: Spec<'rows'>
): Promise<FeatureRow | { readonly missing: string }> {
	const ids = spec.inputs.map(({ name }) => sensorIdOf(machineId, sensorOfColumn(name)));
	const latest = await store.series.latest(ids);
	const found = ids.map((id) => latest.get(id));
	if (found.every((reading) => reading === undefined)) return { missing: 'No reading is stored of this machine' };
	const values = Float64Array.from(spec.inputs, ({ categories }, k) => {
		const value = found[k]?.value ?? Number.NaN;
		if (!categories) return value;
		const at = categories.indexOf(String(value));
		return at < 0 ? Number.NaN : at;
	});
	const time = Math.max(...found.map((reading) => reading?.time ?? 0));
	return { features: rowFeatures(spec, values, 1), time };
}
