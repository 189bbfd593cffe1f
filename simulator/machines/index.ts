/** Simulator: the machine classes, in the order in which plants are filled. */
import type { MachineClass } from '../machine-class';
import { airCompressor } from './air-compressor';
import { centrifugalPump } from './centrifugal-pump';
import { cncSpindle } from './cnc-spindle';
import { electricMotor } from './electric-motor';
import { gearboxConveyor } from './gearbox-conveyor';
import { hydraulicPress } from './hydraulic-press';

export const machineClasses: readonly MachineClass[] = [
	centrifugalPump,
	electricMotor,
	cncSpindle,
	airCompressor,
	gearboxConveyor,
	hydraulicPress
];
