/** Training: names of model versions: the machine, when, and something that tells two of one second apart. */
import type { EpochMs, MachineId } from '../contracts';

export function versionId(machineId: MachineId, createdAt: EpochMs, mark: string): string {
	const when = new Date(createdAt).toISOString().replace(/[-:]/g, '').slice(0, 15);
	return `${machineId.split('/').pop()}-${when}-${mark}`;
}
