/**
 * Simulator: the main spindle of a milling machine, cutting parts in a cycle and changing tools.
 *
 * Cutting torque after Kienzle, rising with flank wear; wear after Taylor (rate with a power of cutting speed), reset by
 * the tool change; bearing heat from speed and power, carried off by coolant (Altintas, Manufacturing Automation, ch. 2).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, lineAmps, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

const MAX_RPM = 8000;
const motor: MotorRating = {
	shaftKw: 15,
	volts: 400,
	constantLossKw: 0.35,
	copperLossKw: 0.7,
	magnetisingAmps: 9,
	ratedSlip: 0
};
const [OFF, WARM_UP, IDLE, PRODUCT_A, PRODUCT_B, ROUGHING, FINISHING, TOOL_CHANGE] = [0, 1, 2, 3, 4, 5, 6, 7];
const [TOOL, BEARING, IMBALANCE, COOLANT] = [0, 1, 2, 3];
/** A part: seconds, share of top speed, cutting torque in N·m with a sharp tool. */
interface Program {
	readonly roughing: readonly [seconds: number, speed: number, torque: number];
	readonly finishing: readonly [seconds: number, speed: number, torque: number];
	readonly indexSeconds: number;
	readonly partsPerTool: number;
}
const programs: Readonly<Record<number, Program>> = {
	[PRODUCT_A!]: { roughing: [30, 0.5, 18], finishing: [18, 0.85, 6], indexSeconds: 6, partsPerTool: 8 },
	[PRODUCT_B!]: { roughing: [22, 0.65, 13], finishing: [24, 0.78, 7.5], indexSeconds: 6, partsPerTool: 7 }
};
const INDEX_SPEED = 0.2;
const TOOL_CHANGE_SECONDS = 8;
/** End of tool life by ISO 8688-2, mm of flank wear. */
const WORN_OUT = 0.3;
/** mm of flank wear per second of roughing at half speed. */
const WEAR_RATE = 3.6e-4;

function createBody(vary: (spread: number) => number): MachineBody {
	const baseVibration = 0.5 * vary(0.05);
	const bearingRise = 15 * vary(0.02);
	const hardness = vary(0.015);
	const speed = new Lag(0.5, 0.8);
	const torque = new Lag(3, 0.7);
	const bearing = new Lag(38, 210);
	const coolant = new Lag(18, 1.5);
	const coolantPressure = new Lag(20, 1.2);
	const stock = new Wander(0.015, 12);
	const supply = new Wander(1.5, 60);
	let wear = 0.03;
	let clock = 0;
	let parts = 0;
	let phase: number = IDLE!;
	let power = 0;
	let amps = 0;
	let vibration = 0;

	/** Moves through the part program; returns the phase the machine is in. */
	function cycle(program: Program, seconds: number): number {
		clock += seconds;
		const rough = program.roughing[0];
		const finish = rough + program.finishing[0];
		const length = finish + program.indexSeconds;
		if (parts >= program.partsPerTool) {
			if (clock < TOOL_CHANGE_SECONDS) return TOOL_CHANGE!;
			wear = 0.015;
			parts = 0;
			clock -= TOOL_CHANGE_SECONDS;
		}
		if (clock >= length) {
			clock -= length;
			parts++;
			if (parts >= program.partsPerTool) return TOOL_CHANGE!;
		}
		return clock < rough ? ROUGHING! : clock < finish ? FINISHING! : IDLE!;
	}

	return {
		advance(seconds, duty, severity, ambient, random) {
			const pitted = severity[BEARING]!;
			const imbalance = severity[IMBALANCE]!;
			const clogged = severity[COOLANT]!;
			const program = programs[duty.mode];
			phase = program ? cycle(program, seconds) : duty.mode;
			const powered = duty.mode !== OFF;
			const cut = !program
				? undefined
				: phase === ROUGHING
					? program.roughing
					: phase === FINISHING
						? program.finishing
						: undefined;
			const wanted = !powered
				? 0
				: cut
					? cut[1]
					: phase === TOOL_CHANGE
						? 0
						: duty.mode === WARM_UP
							? 0.6 * Math.min(1, duty.elapsed / (0.7 * duty.length))
							: INDEX_SPEED;
			const n = speed.advance(seconds, wanted);
			const n2 = n * n;

			// coolant: a clogging nozzle passes less and backs pressure up
			const wet = program ? 1 : phase === WARM_UP ? 0.3 : 0;
			coolant.advance(seconds, 18 * wet * (1 - 0.7 * clogged));
			coolantPressure.advance(seconds, powered ? 2 + 18 * wet + 14 * wet * clogged : 0);

			const stockFactor = 1 + stock.advance(seconds, random);
			// Kienzle with flank wear: torque rises by about 60 % at the end of tool life
			const cutting = cut ? cut[2] * hardness * stockFactor * (1 + 0.6 * (wear / WORN_OUT)) : 0;
			// Taylor: T v^(1/n) = const, 1/n = 2.2 for carbide, wear with torque and speed; excess rate when inserts fail
			if (cut)
				wear +=
					WEAR_RATE * seconds * (cut[2] / 18) ** 0.5 * (n / 0.5) ** 2.2 * (1 + 3.2 * severity[TOOL]! + 0.8 * clogged);
			wear = Math.min(wear, 1.2);
			const friction = (0.5 + 1.1 * n) * (1 + 2.4 * pitted + 0.15 * imbalance);
			torque.advance(seconds, powered && n > 0.01 ? cutting + friction : 0);

			const shaftKw = (torque.value * n * MAX_RPM * Math.PI) / 30000;
			const volts = motor.volts + supply.advance(seconds, random);
			power = powered ? inputPowerKw(motor, shaftKw) : 0;
			amps = powered ? lineAmps(motor, power, volts) : 0;
			const cooling = 1 + 0.35 * (coolant.value / 18);
			const rise = bearingRise * n * (1 + 2.2 * pitted) + 0.9 * shaftKw + 6 * imbalance * n2 + (powered ? 3 : 0);
			bearing.advance(seconds, ambient + rise / cooling + 8 * clogged * wet);

			const chatter = cut ? 0.025 * cutting * (1 + 1.6 * (wear / WORN_OUT)) : 0;
			const rotor = combine(baseVibration * (0.35 * n + 0.9 * n2), chatter, 7.5 * imbalance * n2);
			vibration = combine(rotor, 7.2 * pitted * n) * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = speed.value * MAX_RPM;
			out[1] = torque.value;
			out[2] = power;
			out[3] = amps;
			out[4] = vibration;
			out[5] = bearing.value;
			out[6] = coolant.value;
			out[7] = coolantPressure.value;
			out[8] = wear;
		},
		phase: () => phase
	};
}

export const cncSpindle: MachineClass = {
	id: 'cnc-spindle',
	title: 'CNC spindle',
	place: { area: 'machining', line: 'milling', prefix: 'spindle' },
	maxStepSeconds: 1,
	startMode: 'product-a',
	vibrationZones: { limits: [0.71, 1.8, 4.5], basis: 'ISO 10816-1 class I' },
	inputs: [
		{ name: 'program', unit: '-', description: 'product: speeds, torques and lengths of roughing and finishing' },
		{ name: 'stock', unit: '-', description: 'hardness and allowance of the blank, slow wander' },
		{ name: 'ambient', unit: '°C', description: 'hall temperature over the day' }
	],
	sensors: [
		{ name: 'speed', unit: 'rpm', kind: 'speed', resolution: 1, noise: 3, validRange: [0, 12000], typical: 5000 },
		{ name: 'torque', unit: 'N·m', kind: 'torque', resolution: 0.1, noise: 0.12, validRange: [0, 120], typical: 14 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.01, noise: 0.05, validRange: [0, 40], typical: 8 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.01, noise: 0.08, validRange: [0, 100], typical: 15 },
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.02,
			validRange: [0, 50],
			typical: 0.7
		},
		{
			name: 'bearingTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 140],
			typical: 35
		},
		{ name: 'coolantFlow', unit: 'l/min', kind: 'flow', resolution: 0.1, noise: 0.1, validRange: [0, 60], typical: 18 },
		{
			name: 'coolantPressure',
			unit: 'bar',
			kind: 'pressure',
			resolution: 0.1,
			noise: 0.15,
			validRange: [0, 80],
			typical: 20
		},
		{ name: 'toolWear', unit: 'mm', kind: 'wear', resolution: 0.001, noise: 0.002, validRange: [0, 2], typical: 0.1 }
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0, 0], seconds: [90, 240], next: { 'start-up': 1 } },
		{
			id: 'start-up',
			title: 'Warm-up',
			running: true,
			load: [0, 0],
			seconds: [40, 60],
			next: { 'product-a': 1, 'product-b': 1 }
		},
		{
			id: 'idle',
			title: 'Waiting',
			running: true,
			load: [0, 0],
			seconds: [30, 120],
			next: { 'product-a': 3, 'product-b': 3, off: 1 }
		},
		{
			id: 'product-a',
			title: 'Product A',
			running: true,
			load: [1, 1],
			seconds: [400, 1000],
			next: { 'product-b': 2, idle: 3 }
		},
		{
			id: 'product-b',
			title: 'Product B',
			running: true,
			load: [1, 1],
			seconds: [400, 1000],
			next: { 'product-a': 2, idle: 3 }
		},
		{ id: 'roughing', title: 'Roughing', running: true },
		{ id: 'finishing', title: 'Finishing', running: true },
		{ id: 'tool-change', title: 'Tool change', running: false }
	],
	faults: [
		{
			id: 'tool-wear',
			title: 'Excessive tool wear',
			mechanism:
				'Inserts of falling quality wear up to four times as fast: flank wear between tool changes, and with it cutting torque, power and chatter.',
			law: 'archard',
			source: 'Taylor 1907, Trans. ASME 28; ISO 8688-2; Archard 1953',
			effects: { vibration: 6.8, toolWear: 6.0, current: 4.9, power: 4.6, bearingTemperature: 2.2, torque: 2.1 }
		},
		{
			id: 'bearing-wear',
			title: 'Bearing wear',
			mechanism: 'Pitted raceways add broad-band vibration with speed, friction torque and heat.',
			law: 'exponential',
			source: 'Gebraeel et al. 2005; Abele et al. 2010, CIRP Annals 59:781-802 (spindles)',
			effects: { vibration: 21.6, bearingTemperature: 18.0, power: 1.9, current: 1.9, torque: 0.9 }
		},
		{
			id: 'imbalance',
			title: 'Rotor imbalance',
			mechanism:
				'Chips in the taper or a damaged holder: centrifugal force with the square of speed; bearing load warms it.',
			law: 'linear',
			source: 'ISO 21940-11; Randall, Vibration-based Condition Monitoring, ch. 2',
			effects: { vibration: 13.8, bearingTemperature: 2.2 }
		},
		{
			id: 'coolant-clog',
			title: 'Clogged coolant',
			mechanism: 'Nozzles and filter close: less flow at higher pressure, a warmer spindle, tools that wear faster.',
			law: 'blocking',
			source: 'Hermia 1982; Altintas, Manufacturing Automation, ch. 2',
			effects: {
				bearingTemperature: 13.1,
				coolantPressure: 3.9,
				coolantFlow: 3.5,
				toolWear: 1.5,
				vibration: 1.2,
				current: 1.2,
				power: 1.1,
				torque: 0.5
			}
		}
	],
	createBody
};
