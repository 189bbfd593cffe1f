/**
 * Health Assessment: signatures of fault modes as data - which classes have them, which sensors they move and where to, which lines they raise.
 *
 * General knowledge of the field (ISO 13373-3 for vibration, ISO 17359 annex B and ISO 14224 for the rest), not fitted to any data. Sensors
 * are recognised by what their names say, so that a plant's own names count too.
 */
import type { MachineClassId } from '../contracts';

export interface FaultSignature {
	readonly id: string;
	readonly title: string;
	readonly classes: readonly MachineClassId[];
	readonly sensors: readonly {
		readonly match: RegExp;
		readonly direction: 'up' | 'down' | 'any';
		readonly weight: number;
	}[];
	/** Any of `ids` that stands out counts once. */
	readonly lines: readonly { readonly ids: readonly string[]; readonly weight: number }[];
	readonly impulsive?: boolean;
	readonly check: string;
}

const rotating: readonly MachineClassId[] = [
	'centrifugal-pump',
	'electric-motor',
	'cnc-spindle',
	'air-compressor',
	'gearbox-conveyor'
];
const up = (match: RegExp, weight = 1) => ({ match, direction: 'up' as const, weight });
const down = (match: RegExp, weight = 1) => ({ match, direction: 'down' as const, weight });
const any = (match: RegExp, weight = 1) => ({ match, direction: 'any' as const, weight });
const vibration = /vib(?!.*axial)|accel/i;
const axial = /axial/i;
const bearingTemperature = /bearing.*temp|gearbox.*temp|temp.*bearing/i;

export const faultSignatures: readonly FaultSignature[] = [
	{
		id: 'bearing',
		title: 'Rolling bearing damage',
		classes: rotating,
		sensors: [up(vibration, 1), up(bearingTemperature, 0.6)],
		lines: [{ ids: ['bpfo', 'bpfi', 'bsf'], weight: 1 }],
		impulsive: true,
		check: 'Envelope spectrum at the bearing frequencies; grease and noise at the bearing housing.'
	},
	{
		id: 'imbalance',
		title: 'Imbalance',
		classes: rotating,
		sensors: [up(vibration, 1)],
		lines: [{ ids: ['shaft'], weight: 0.5 }],
		check: 'Whether 1× shaft leads the spectrum and grows with the square of speed; deposits on impeller or fan.'
	},
	{
		id: 'misalignment',
		title: 'Misalignment',
		classes: rotating,
		sensors: [up(vibration, 0.8), up(axial, 1), up(bearingTemperature, 0.4)],
		lines: [{ ids: ['shaft2'], weight: 0.9 }],
		check: 'Whether 2× shaft and axial vibration lead; coupling and feet after warming up.'
	},
	{
		id: 'cavitation',
		title: 'Cavitation',
		classes: ['centrifugal-pump'],
		sensors: [down(/suction/i, 1), up(vibration, 0.8), down(/discharge|head/i, 0.5), any(/^flow|flow$/i, 0.3)],
		lines: [],
		check: 'Suction strainer, suction valve and liquid temperature: the NPSH margin.'
	},
	{
		id: 'impeller-wear',
		title: 'Impeller wear',
		classes: ['centrifugal-pump'],
		sensors: [down(/discharge|head/i, 1), down(/^flow|flow$/i, 0.9), up(vibration, 0.5), down(/power|current/i, 0.4)],
		lines: [{ ids: ['shaft', 'blade'], weight: 0.3 }],
		check: 'Head at shut-off against the pump curve.'
	},
	{
		id: 'seal-leak',
		title: 'Seal leak',
		classes: ['centrifugal-pump', 'hydraulic-press'],
		sensors: [
			down(/level/i, 1),
			up(bearingTemperature, 0.7),
			up(vibration, 0.5),
			down(/discharge|^flow|flow$/i, 0.4),
			any(/position/i, 0.3)
		],
		lines: [],
		check: 'Leakage at shaft or rod seal.'
	},
	{
		id: 'gear',
		title: 'Gear tooth damage',
		classes: ['gearbox-conveyor'],
		sensors: [up(vibration, 1), up(/gearbox.*temp/i, 0.3)],
		lines: [{ ids: ['mesh'], weight: 0.8 }],
		impulsive: true,
		check: 'Sidebands around the gear mesh, one impact a turn in the waveform; oil for particles.'
	},
	{
		id: 'lubrication',
		title: 'Lubrication failing',
		classes: ['gearbox-conveyor', 'air-compressor', 'electric-motor', 'cnc-spindle'],
		sensors: [up(/gearbox.*temp|oil.*temp|bearing.*temp/i, 1), up(vibration, 0.7), up(/power|current|torque/i, 0.3)],
		lines: [],
		check: 'Oil level, pressure and condition.'
	},
	{
		id: 'winding',
		title: 'Winding insulation or overload',
		classes: ['electric-motor'],
		sensors: [up(/winding/i, 1), any(/current/i, 0.5)],
		lines: [{ ids: ['line2'], weight: 0.5 }],
		check: 'Phase currents and insulation resistance.'
	},
	{
		id: 'cooling',
		title: 'Cooling impaired',
		classes: ['electric-motor', 'hydraulic-press', 'air-compressor', 'cnc-spindle'],
		sensors: [
			up(/winding|oil.*temp|coolant.*temp|discharge.*temp|outlet.*temp/i, 1),
			down(/coolant.*(flow|pressure)/i, 0.8)
		],
		lines: [],
		check: 'Fan, filter, cooler fins, coolant flow.'
	},
	{
		id: 'tool-wear',
		title: 'Tool wear',
		classes: ['cnc-spindle'],
		sensors: [up(/power|current|torque|load|force/i, 1), up(vibration, 0.7), up(/wear/i, 0.8)],
		lines: [],
		check: 'Cutting edge; surface of the last parts.'
	},
	{
		id: 'valve-leak',
		title: 'Valve leak',
		classes: ['air-compressor', 'hydraulic-press'],
		sensors: [
			up(/power|current/i, 0.7),
			any(/^flow|flow$/i, 0.8),
			up(/oil.*temp|discharge.*temp|valve/i, 0.8),
			down(/pressure/i, 0.5),
			any(/position/i, 0.4)
		],
		lines: [],
		check: 'Temperature across the valve; holding pressure with the drive stopped.'
	},
	{
		id: 'filter',
		title: 'Filter clogged',
		classes: ['air-compressor', 'hydraulic-press', 'cnc-spindle'],
		sensors: [down(/inlet|suction|intake/i, 1), down(/^flow|flow$/i, 0.6), up(/filter|differential|dp/i, 1)],
		lines: [],
		check: 'Differential pressure over the filter.'
	},
	{
		id: 'pump-wear',
		title: 'Pump wear',
		classes: ['hydraulic-press'],
		sensors: [
			down(/^flow|flow$/i, 1),
			up(vibration, 0.7),
			any(/position/i, 0.5),
			up(/oil.*temp/i, 0.4),
			up(/power/i, 0.3)
		],
		lines: [],
		check: 'Case drain flow; delivery against pressure.'
	},
	{
		id: 'belt-slip',
		title: 'Belt slip',
		classes: ['gearbox-conveyor'],
		sensors: [down(/belt.*speed|speed.*belt/i, 1), any(/motor.*speed|torque|power/i, 0.3), up(vibration, 0.3)],
		lines: [],
		check: 'Belt tension and lagging of the drive pulley.'
	}
];
