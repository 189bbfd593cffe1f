/**
 * Training worker: a plant's own machine-days. In: machines, their stored readings and recorded failures. Out: the days that a failure
 * classifier learns from, and how much of them there is.
 */
import type { EpochMs, FailureRecord, FleetDays, MachineId, PlantHistory, SensorRecord } from '../../contracts';
import type { Store } from '../../storage/store';
import { dayMs, machineDaysOf, replacedPart } from '../machine-days';

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

function componentsOf(records: readonly FailureRecord[]): string[] {
	return [...new Set(records.map(replacedPart).filter((part) => part !== ''))].sort();
}
