/** Which of a machine's sensors are learnt from and searched. In: the registry. Out: their records. */
import { isDerivedSeries, type MachineId, type SensorRecord } from '../contracts';
import type { Store } from '../storage/store';

/** What is measured of a machine: no derived series, no states. */
export async function measuredSensors(store: Store, machineId: MachineId): Promise<SensorRecord[]> {
	const sensors = await store.registry.sensors(machineId);
	return sensors.filter(({ name, kind }) => !isDerivedSeries(name) && kind !== 'state');
}
