/** State: to what a trained model can be promoted. In: machines, their sensors, what the model reads. Out: classes and machines, with what each lacks. */
import type { MachineClassId, MachineId, MachineRecord, SensorRecord } from '../../contracts';

export type ModelTarget = { readonly machineId: MachineId } | { readonly machineClass: MachineClassId };

export interface PromotionTarget {
	readonly key: string;
	readonly label: string;
	readonly target: ModelTarget;
	/** What the model reads and the machine has not. */
	readonly lacking: readonly string[];
}

/** Machines, and classes that have machines here; those that have what the model reads come first. */
export function promotionTargets(
	machines: readonly MachineRecord[],
	sensors: readonly SensorRecord[],
	needed: readonly string[]
): readonly PromotionTarget[] {
	const names = new Map<string, Set<string>>();
	for (const { machineId, name } of sensors) {
		const known = names.get(machineId);
		if (known) known.add(name);
		else names.set(machineId, new Set([name]));
	}
	const lackingAt = (machine: MachineRecord) => needed.filter((name) => !names.get(machine.id)?.has(name));
	const classes = [...new Set(machines.flatMap(({ machineClass }) => machineClass ?? []))];
	const all: PromotionTarget[] = [
		...classes.map((machineClass) => {
			const first = machines.find((machine) => machine.machineClass === machineClass)!;
			return {
				key: `class:${machineClass}`,
				label: `Every machine of the class ${machineClass}`,
				target: { machineClass },
				lacking: lackingAt(first)
			};
		}),
		...machines.map((machine) => ({
			key: `machine:${machine.id}`,
			label: machine.id,
			target: { machineId: machine.id },
			lacking: lackingAt(machine)
		}))
	];
	return all.sort((a, b) => Number(a.lacking.length > 0) - Number(b.lacking.length > 0));
}

export function targetWords(target: ModelTarget): string {
	return 'machineId' in target ? target.machineId : `every ${target.machineClass}`;
}
