/** How machine classes are named and pictured. In: a class id or none. Out: words and an icon. */
import type { MachineClassId } from '$lib/contracts';
import type { LucideIcon } from '@lucide/svelte';
import Box from '@lucide/svelte/icons/box';
import Cog from '@lucide/svelte/icons/cog';
import Drill from '@lucide/svelte/icons/drill';
import Droplets from '@lucide/svelte/icons/droplets';
import Stamp from '@lucide/svelte/icons/stamp';
import Wind from '@lucide/svelte/icons/wind';
import Zap from '@lucide/svelte/icons/zap';

interface ClassLook {
	readonly label: string;
	readonly icon: LucideIcon;
}

const looks: Record<MachineClassId, ClassLook> = {
	'centrifugal-pump': { label: 'Centrifugal pump', icon: Droplets },
	'electric-motor': { label: 'Electric motor', icon: Zap },
	'cnc-spindle': { label: 'CNC spindle', icon: Drill },
	'air-compressor': { label: 'Air compressor', icon: Wind },
	'gearbox-conveyor': { label: 'Gearbox conveyor', icon: Cog },
	'hydraulic-press': { label: 'Hydraulic press', icon: Stamp }
};

export function classLook(machineClass: MachineClassId | undefined): ClassLook {
	return machineClass ? looks[machineClass] : { label: 'Machine', icon: Box };
}
