/**
 * Workers: one machine's days as a failure classifier reads them. In: its stored readings, the failures and replacements that people recorded,
 * and alarms. Out: whole days with the means of its channels and what happened. Days are counted back from the newest reading, so that the
 * last one is whole.
 */
import {
	alarmErrorKind,
	sensorIdOf,
	type Alarm,
	type EpochMs,
	type FailureRecord,
	type FleetDays,
	type MachineDays,
	type MachineId
} from '../contracts';
import type { Store } from '../storage/store';

export const dayMs = 86_400_000;
/** Raw readings, minutes or hours: whichever storage has for about so many points a day. */
const pointsPerDay = 24;
const mostDays = 3_650;

/** `channels` and `components`: what to read; a name that nothing is known of stays empty. Of the newest `most` days; undefined: not one is stored. */
export async function machineDaysOf(
	store: Store,
	machineId: MachineId,
	{ channels, components }: { readonly channels: readonly string[]; readonly components: readonly string[] },
	now: EpochMs,
	most = mostDays
): Promise<FleetDays['machines'][number] | undefined> {
	const extent = await store.series.extent(machineId);
	if (!extent) return undefined;
	const to = Math.min(now, extent.to + 1);
	const days = Math.min(most, Math.floor((to - extent.from) / dayMs));
	if (days < 1) return undefined;
	const from = to - days * dayMs;
	const telemetry = new Float64Array(days * channels.length).fill(Number.NaN);
	// One sensor after the other: raw readings of months do not all fit in memory.
	for (const [c, name] of channels.entries()) {
		const [slice] = await store.series.query({
			sensorIds: [sensorIdOf(machineId, name)],
			from,
			to: to - 1,
			maxPoints: days * pointsPerDay
		});
		const sums = new Float64Array(days);
		const counts = new Float64Array(days);
		slice?.times.forEach((time, i) => {
			const day = Math.floor((time - from) / dayMs);
			const [mean, weight] = [slice.mean[i]!, slice.counts[i]!];
			if (!(day >= 0 && day < days) || !Number.isFinite(mean)) return;
			sums[day]! += mean * weight;
			counts[day]! += weight;
		});
		for (let day = 0; day < days; day++)
			if (counts[day]! > 0) telemetry[day * channels.length + c] = sums[day]! / counts[day]!;
	}
	const records = await store.failures.list(machineId);
	// What a model expects is nothing that happened: it must not learn from itself.
	const alarms = (await store.alarms.list({ machineId })).filter(({ kind }) => kind !== 'failure-expected');
	const at = (times: readonly EpochMs[]) => times.map((time) => (time - from) / dayMs).sort((a, b) => a - b);
	const failures = records.filter(({ kind }) => kind === 'failure');
	return {
		id: machineId,
		from,
		days: {
			telemetry,
			channelNames: channels,
			days,
			errors: [{ kind: alarmErrorKind, at: at(alarms.map(({ raisedAt }: Alarm) => raisedAt)) }],
			replacements: components.map((component) => ({
				component,
				at: at(records.filter((record) => replacedPart(record) === component).map((record) => record.at))
			})),
			failures: at(failures.map((record) => record.at)),
			constants: []
		} satisfies MachineDays,
		modes: [...new Set(failures.map(({ mode }) => mode ?? 'other'))].map((name) => ({
			name,
			at: at(failures.filter(({ mode }) => (mode ?? 'other') === name).map((record) => record.at))
		}))
	};
}

/** The part that was replaced, as it is told apart; empty: none was. */
export const replacedPart = ({ action, part }: FailureRecord) =>
	action === 'replaced' ? part.trim().toLowerCase() : '';
