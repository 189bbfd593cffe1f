/** A model put in use: for one machine, or for all of a class. In: promotions. Out: the one that speaks for a machine. */
import type { MachineId } from './identity';
import type { MachineClassId, MachineRecord } from './machine';

export interface Promotion {
	readonly target: { readonly machineId: MachineId } | { readonly machineClass: MachineClassId };
	readonly versionId: string;
}

/** A machine's own comes before its class's. */
export function promotionOf<P extends Promotion>(
	promotions: readonly P[],
	{ id, machineClass }: Pick<MachineRecord, 'id' | 'machineClass'>
): P | undefined {
	return (
		promotions.find(({ target }) => 'machineId' in target && target.machineId === id) ??
		promotions.find(({ target }) => 'machineClass' in target && target.machineClass === machineClass)
	);
}
