/**
 * Inference: a machine's life so far as a remaining-life model reads it. In: stored readings since the machine was new, how long one
 * step lasts. Out: the means of each whole step, with the time at which it ended.
 */
import {
	MillwrightError,
	sensorIdOf,
	type EpochMs,
	type MachineId,
	type RulAssignment,
	type RulModelVersion,
	type UnitHistory
} from '../../contracts';
import type { Store } from '../../storage/store';

export const hourMs = 3_600_000;
/** Steps of one machine that are read at once. */
const mostSteps = 100_000;

export interface MachineLife {
	readonly unit: UnitHistory;
	/** When each step ended. */
	readonly times: readonly EpochMs[];
}

/**
 * Where the life begins and ends: what is stored since the machine was new; undefined: nothing. `knownFrom`: where it was found to begin
 * before; readings of then may live on as averages alone.
 */
export async function spanOfLife(
	store: Store,
	machineId: MachineId,
	{ newSince }: RulAssignment,
	knownFrom: EpochMs | undefined,
	now: EpochMs
): Promise<{ readonly from: EpochMs; readonly to: EpochMs } | undefined> {
	const extent = await store.series.extent(machineId);
	if (!extent) return undefined;
	const first = Math.min(knownFrom ?? extent.from, extent.from);
	return { from: Math.max(newSince ?? first, first), to: Math.min(now, extent.to) };
}

/**
 * Means of each whole step; a step in which nothing was heard is no step of its life.
 * @throws MillwrightError `invalid-input` (a step so short that the life has too many), storage errors
 */
export async function readLife(
	store: Store,
	machineId: MachineId,
	{ sensorNames, settingNames }: RulModelVersion,
	stepHours: number,
	{ from, to }: { readonly from: EpochMs; readonly to: EpochMs }
): Promise<MachineLife> {
	const stepMs = stepHours * hourMs;
	const count = Math.max(0, Math.floor((to - from) / stepMs));
	if (count > mostSteps)
		throw new MillwrightError(
			'invalid-input',
			`This machine's life has more than ${mostSteps} steps of ${stepHours} h`
		);
	const names = [...sensorNames, ...settingNames];
	const sums = names.map(() => new Float64Array(count));
	const counts = names.map(() => new Uint32Array(count));
	// One sensor after the other: raw readings of months do not all fit in memory.
	for (const [k, name] of count > 0 ? names.entries() : []) {
		const [slice] = await store.series.query({
			sensorIds: [sensorIdOf(machineId, name)],
			from,
			to: from + count * stepMs - 1,
			...(stepMs > 600_000 && { maxPoints: Math.min(count * 12, 200_000) })
		});
		slice?.times.forEach((time, i) => {
			const step = Math.floor((time - from) / stepMs);
			const [value, weight] = [slice.mean[i]!, slice.counts[i]!];
			if (!(step >= 0 && step < count) || !Number.isFinite(value)) return;
			sums[k]![step]! += value * weight;
			counts[k]![step]! += weight;
		});
	}
	const heard = Array.from({ length: count }, (_, s) => s).filter((s) => counts.some((column) => column[s]! > 0));
	const columns = (first: number, width: number) => {
		const values = new Float32Array(heard.length * width);
		heard.forEach((s, t) => {
			for (let j = 0; j < width; j++) {
				const n = counts[first + j]![s]!;
				values[t * width + j] = n > 0 ? sums[first + j]![s]! / n : NaN;
			}
		});
		return values;
	};
	return {
		unit: {
			unitId: machineId,
			steps: heard.length,
			sensors: columns(0, sensorNames.length),
			settings: columns(sensorNames.length, settingNames.length),
			failed: false
		},
		times: heard.map((s) => from + (s + 1) * stepMs)
	};
}
