/**
 * Simulator: a centrifugal pump on a variable-speed drive, lifting cooling water through a system.
 *
 * Pump curve H = H0 n^2 - a Q^2 against system curve H = Hs + k Q^2 (affinity laws: Q ~ n, H ~ n^2, P ~ n^3); hydraulic
 * power over efficiency is shaft power, which the motor draws as current (Gulich, Centrifugal Pumps, ch. 4 and 6).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, lineAmps, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

const RATED_RPM = 2900;
/** Shut-off head m, curve steepness m/(m3/h)^2, static head m, system resistance m/(m3/h)^2. */
const SHUT_OFF_HEAD = 42;
const CURVE = 0.001;
const STATIC_HEAD = 8;
const RESISTANCE = 0.0024;
const BEST_FLOW = 100;
const BEST_EFFICIENCY = 0.76;
const METRES_PER_BAR = 10.2;
const motor: MotorRating = {
	shaftKw: 15,
	volts: 400,
	constantLossKw: 0.45,
	copperLossKw: 0.7,
	magnetisingAmps: 11,
	ratedSlip: 0.02
};
const [OFF, STARTING] = [0, 1];
const [BEARING, CAVITATION, IMPELLER, MISALIGNED, SEAL] = [0, 1, 2, 3, 4];

function createBody(vary: (spread: number) => number): MachineBody {
	const baseVibration = 0.85 * vary(0.05);
	const bestEfficiency = BEST_EFFICIENCY * vary(0.008);
	const resistance = RESISTANCE * vary(0.02);
	const bearingRise = 13 * vary(0.02);
	const speed = new Lag(0.9, 3);
	const bearing = new Lag(38, 240);
	const cavitation = new Lag(0, 2);
	const demand = new Wander(0.025, 45);
	const suctionLevel = new Wander(0.012, 120);
	const supply = new Wander(1.5, 60);
	let flow = 0;
	let head = 0;
	let suction = 0.3;
	let leak = 0;
	let power = 0;
	let amps = 0;
	let vibration = 0;

	return {
		advance(seconds, duty, severity, ambient, random) {
			const wear = severity[BEARING]!;
			const misaligned = severity[MISALIGNED]!;
			const impeller = severity[IMPELLER]!;
			const seal = severity[SEAL]!;
			const powered = duty.mode !== OFF;
			const ramp = duty.mode === STARTING ? Math.min(1, (duty.elapsed + 2) / duty.length) : 1;
			const n = speed.advance(seconds, powered ? duty.load * ramp : 0);
			const volts = motor.volts + supply.advance(seconds, random);
			const k = resistance * (1 + demand.advance(seconds, random));
			const scatter = random.bell();
			const c = cavitation.value;

			// (k + a) Q^2 + 2 a L Q + a L^2 - (H0 n^2 - Hs) = 0, with the seal's leak L taken from the last step
			const shutOff = SHUT_OFF_HEAD * (1 - 0.22 * impeller) * (1 - c * (0.25 + 0.04 * scatter)) * n * n;
			const half = CURVE * leak;
			const rest = CURVE * leak * leak - (shutOff - STATIC_HEAD);
			const root = half * half - (k + CURVE) * rest;
			const through = rest < 0 ? (Math.sqrt(root) - half) / (k + CURVE) : 0;
			flow = Math.max(0, through);
			const pumped = flow + leak;
			head = Math.max(0, shutOff - CURVE * pumped * pumped);
			// orifice: Q = Cd A sqrt(2 dp / rho); 18 m3/h at full severity and 3 bar
			leak = 18 * seal * Math.sqrt(head / 30.6);

			const load = pumped / BEST_FLOW;
			const strainer = 0.15 + 0.75 * severity[CAVITATION]!;
			suction = 0.35 + suctionLevel.advance(seconds, random) - strainer * load * load;
			const available = (1.013 - 0.03 + suction) * METRES_PER_BAR;
			const required = 2.6 + 2.6 * load * load;
			const margin = available - required;
			cavitation.advance(seconds, n > 0.2 ? 1 / (1 + Math.exp((margin - 1.4) / 0.6)) : 0);

			const offBest = n > 0.1 ? load / n - 1 : 0;
			const efficiency = Math.max(
				0.2,
				bestEfficiency * (1 - 0.8 * offBest * offBest) * (1 - 0.12 * impeller) * (1 - 0.16 * c)
			);
			const hydraulicKw = (9.81 * pumped * head) / 3600;
			const frictionRatio = 1 + 4 * wear + 1.0 * misaligned + 2 * seal;
			const frictionKw = 0.25 * n * frictionRatio;
			const shaftKw = hydraulicKw / efficiency + frictionKw;
			power = powered ? inputPowerKw(motor, shaftKw) : 0;
			amps = powered ? lineAmps(motor, power, volts) * (1 + 0.03 * c * scatter) : 0;
			bearing.advance(seconds, ambient + bearingRise * n * frictionRatio ** 0.75 + (powered ? 4 : 0));

			const n2 = n * n;
			const healthy = baseVibration * (0.25 * n + 0.75 * n2) + 0.6 * offBest * offBest * n;
			const rotor = combine(healthy, 5.8 * misaligned * n2, 1.8 * impeller * n2, 2.2 * seal * n);
			vibration = combine(rotor, 7.2 * wear * n, 6 * c * n) * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = flow;
			out[1] = suction;
			out[2] = suction + head / METRES_PER_BAR;
			out[3] = speed.value * RATED_RPM;
			out[4] = power;
			out[5] = amps;
			out[6] = vibration;
			out[7] = bearing.value;
		}
	};
}

export const centrifugalPump: MachineClass = {
	id: 'centrifugal-pump',
	title: 'Centrifugal pump',
	place: { area: 'utilities', line: 'cooling-water', prefix: 'pump' },
	maxStepSeconds: 10,
	startMode: 'normal',
	vibrationZones: { limits: [1.4, 2.8, 4.5], basis: 'ISO 10816-3 group 2, rigid' },
	inputs: [
		{ name: 'speedSetpoint', unit: '-', description: 'share of rated speed asked of the drive' },
		{ name: 'demand', unit: '-', description: 'opening of the consumers, slow wander of the system resistance' },
		{ name: 'ambient', unit: '°C', description: 'room temperature over the day' }
	],
	sensors: [
		{ name: 'flow', unit: 'm3/h', kind: 'flow', resolution: 0.1, noise: 0.4, validRange: [0, 200], typical: 88 },
		{
			name: 'suctionPressure',
			unit: 'bar',
			kind: 'pressure',
			resolution: 0.001,
			noise: 0.004,
			validRange: [-1, 3],
			typical: 0.23
		},
		{
			name: 'dischargePressure',
			unit: 'bar',
			kind: 'pressure',
			resolution: 0.01,
			noise: 0.012,
			validRange: [-1, 16],
			typical: 2.9
		},
		{ name: 'speed', unit: 'rpm', kind: 'speed', resolution: 1, noise: 1.5, validRange: [0, 4000], typical: 2610 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.01, noise: 0.04, validRange: [0, 30], typical: 9.5 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.01, noise: 0.08, validRange: [0, 120], typical: 17.5 },
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.03,
			validRange: [0, 50],
			typical: 0.8
		},
		{
			name: 'bearingTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 160],
			typical: 37
		}
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0, 0], seconds: [90, 240], next: { 'start-up': 1 } },
		{ id: 'start-up', title: 'Start-up', running: true, load: [0.85, 0.9], seconds: [18, 26], next: { normal: 1 } },
		{
			id: 'idle',
			title: 'Recirculation',
			running: true,
			load: [0.58, 0.66],
			seconds: [90, 240],
			next: { normal: 4, high: 1, off: 1 }
		},
		{
			id: 'normal',
			title: 'Normal demand',
			running: true,
			load: [0.84, 0.93],
			seconds: [180, 480],
			next: { high: 5, idle: 3, normal: 2 }
		},
		{
			id: 'high',
			title: 'High demand',
			running: true,
			load: [0.97, 1.04],
			seconds: [120, 360],
			next: { normal: 5, idle: 1 }
		}
	],
	faults: [
		{
			id: 'bearing-wear',
			title: 'Bearing wear',
			mechanism:
				'Pitted raceways add broad-band vibration and friction; friction heats the bearing with a lag and costs shaft power.',
			law: 'exponential',
			source: 'Gebraeel et al. 2005; ISO 281; friction torque after SKF 2018',
			effects: { vibration: 90.5, bearingTemperature: 26.3, power: 1.0, current: 1.0 }
		},
		{
			id: 'cavitation',
			title: 'Cavitation',
			mechanism:
				'A clogging suction strainer lowers suction pressure until the NPSH margin is gone: head and efficiency fall, flow and current tremble, vibration is broad-band.',
			law: 'blocking',
			source: 'ISO 17769 NPSH; Gulich, Centrifugal Pumps, ch. 6; Hermia 1982',
			effects: { suctionPressure: 30.2, vibration: 14.4, dischargePressure: 4.6, flow: 0.9, current: 0.7, power: 0.7 }
		},
		{
			id: 'impeller-wear',
			title: 'Impeller wear',
			mechanism: 'Eroded vanes lower the pump curve and efficiency and unbalance the rotor.',
			law: 'archard',
			source: 'Archard 1953; Finnie 1960, Wear 3:87-103 (erosion)',
			effects: { vibration: 14.1, flow: 3.4, dischargePressure: 3.4, power: 2.0, current: 1.9, suctionPressure: 1.9 }
		},
		{
			id: 'misalignment',
			title: 'Shaft misalignment',
			mechanism:
				'The coupling forces both shafts at twice the speed of rotation; bearing load, friction and temperature rise.',
			law: 'linear',
			source: 'ISO 20816-1; Piotrowski, Shaft Alignment Handbook, ch. 2',
			effects: { vibration: 62.5, bearingTemperature: 7.6 }
		},
		{
			id: 'seal-leak',
			title: 'Seal leak',
			mechanism:
				'The mechanical seal passes water as an orifice: the pump moves more than arrives, head falls, the bearing is washed out and warms.',
			law: 'leak-erosion',
			source: 'orifice flow ISO 5167; API 682',
			effects: {
				vibration: 21.7,
				bearingTemperature: 14.4,
				suctionPressure: 1.8,
				dischargePressure: 1.6,
				flow: 1.2,
				current: 0.9,
				power: 0.9
			}
		}
	],
	createBody
};
