/**
 * Inference: what a failure classifier reads of a machine now. In: stored readings, recorded failures, the model's features. Out: the row of
 * features that is told (an LSTM reads those of the days before it too) with its time - of the last whole day, or of the newest readings - or what is missing for it.
 */
import {
	rowsRead,
	sensorIdOf,
	sensorOfColumn,
	type EpochMs,
	type FailureModelVersion,
	type MachineId,
	type RiskFeatureSpec
} from '../../contracts';
import { alignDays, dayFeatures, daysLookedBack, lastRows, rowFeatures } from '../../prognostics';
import type { Store } from '../../storage/store';
import { dayMs, machineDaysOf } from '../machine-days';

export interface FeatureRow {
	/** [rows read, features]. */
	readonly features: Float64Array;
	readonly time: EpochMs;
}

type Spec<K extends RiskFeatureSpec['kind']> = Extract<RiskFeatureSpec, { kind: K }>;

export function newestRow(
	store: Store,
	machineId: MachineId,
	version: FailureModelVersion,
	now: EpochMs
): Promise<FeatureRow | { readonly missing: string }> {
	const { features, featureNames } = version;
	return features.kind === 'days'
		? lastDays(store, machineId, features, { width: featureNames.length, steps: rowsRead(version) }, now)
		: newestReadings(store, machineId, features);
}

async function lastDays(
	store: Store,
	machineId: MachineId,
	spec: Spec<'days'>,
	{ width, steps }: { readonly width: number; readonly steps: number },
	now: EpochMs
): Promise<FeatureRow | { readonly missing: string }> {
	const machine = await machineDaysOf(store, machineId, spec, now, daysLookedBack + steps - 1);
	if (!machine) return { missing: 'Less than one day of readings is stored of this machine' };
	const { days, from } = machine;
	const silent = spec.channels.filter((_, c) =>
		Number.isNaN(days.telemetry[(days.days - 1) * spec.channels.length + c]!)
	);
	if (silent.length > 0) return { missing: `Nothing came within its last day from ${silent.join(', ')}` };
	const features = dayFeatures(alignDays(spec, days));
	return { features: lastRows(features, width, steps), time: from + days.days * dayMs };
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
