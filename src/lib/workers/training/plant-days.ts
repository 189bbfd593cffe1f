/**
 * Training worker: a plant's own machine-days. In: machines, their stored readings, the failures and replacements that people recorded, and
 * alarms. Out: days as a failure classifier reads them. Days are counted back from the newest reading, so that the last one is whole.
 */
import {
	alarmErrorKind,
	sensorIdOf,
	type Alarm,
	type EpochMs,
	type FailureRecord,
	type FleetDays,
	type MachineDays,
	type MachineId,
	type PlantHistory,
	type SensorRecord
} from '../../contracts';
import type { Store } from '../../storage/store';

const dayMs = 86_400_000;
/** Raw readings, minutes or hours: whichever storage has for about so many points a day. */
const pointsPerDay = 24;
const mostDays = 3_650;

/** `channels` and `components`: what to read; a name that nothing is known of stays empty. */
export async function machineDaysOf(
	store: Store,
	machineId: MachineId,
	{ channels, components }: { readonly channels: readonly string[]; readonly components: readonly string[] },
	now: EpochMs
): Promise<FleetDays['machines'][number] | undefined> {
	const extent = await store.series.extent(machineId);
	if (!extent) return undefined;
	const to = Math.min(now, extent.to + 1);
	const days = Math.min(mostDays, Math.floor((to - extent.from) / dayMs));
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
	const alarms = await store.alarms.list({ machineId });
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
				at: at(records.filter((record) => replaced(record) === component).map((record) => record.at))
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

/** Days of several machines, by the sensors that all of them have. */
export async function plantDaysOf(store: Store, machineIds: readonly MachineId[], now: EpochMs): Promise<FleetDays> {
	const channels = commonChannels(await store.registry.sensors(), machineIds);
	const records = await store.failures.list();
	const components = componentsOf(records.filter(({ machineId }) => machineIds.includes(machineId)));
	const machines = [];
	for (const machineId of machineIds) {
		const days = await machineDaysOf(store, machineId, { channels, components }, now);
		if (days) machines.push(days);
	}
	return { machines };
}

export async function plantHistoryOf(
	store: Store,
	machineIds: readonly MachineId[],
	now: EpochMs
): Promise<PlantHistory> {
	const channels = commonChannels(await store.registry.sensors(), machineIds);
	let [failures, usable, machineDays] = [0, 0, 0];
	for (const machineId of machineIds) {
		const extent = await store.series.extent(machineId);
		const records = (await store.failures.list(machineId)).filter(({ kind }) => kind === 'failure');
		failures += records.length;
		if (!extent) continue;
		const to = Math.min(now, extent.to + 1);
		machineDays += Math.max(0, Math.floor((to - extent.from) / dayMs));
		// The first whole day must be over before the failure, and readings must reach up to it.
		const first = to - Math.floor((to - extent.from) / dayMs) * dayMs + dayMs;
		usable += records.filter(({ at }) => at > first && at <= to).length;
	}
	return { machineIds, failures, usable, machineDays, channels };
}

function commonChannels(sensors: readonly SensorRecord[], machineIds: readonly MachineId[]): string[] {
	const names = machineIds.map(
		(id) => new Set(sensors.filter(({ machineId }) => machineId === id).map(({ name }) => name))
	);
	return [...(names[0] ?? [])].filter((name) => names.every((own) => own.has(name))).sort();
}

const replaced = ({ action, part }: FailureRecord) => (action === 'replaced' ? part.trim().toLowerCase() : '');

function componentsOf(records: readonly FailureRecord[]): string[] {
	return [...new Set(records.map(replaced).filter((part) => part !== ''))].sort();
}
