/**
 * Simulator: a 30 kW four-pole induction motor driving a fan direct on line.
 *
 * Load torque sets slip, slip sets speed; shaft power plus losses is input power; current heats the winding, friction the
 * bearing, both as first-order thermal masses (IEC 60034-1; Chapman, Electric Machinery Fundamentals, ch. 6).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, inrushAmps, lineAmps, slipAt, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

const SYNCHRONOUS_RPM = 1500;
const RATED_TORQUE = 194;
const RATED_AMPS = 55;
const motor: MotorRating = {
	shaftKw: 30,
	volts: 400,
	constantLossKw: 0.75,
	copperLossKw: 1.5,
	magnetisingAmps: 22,
	ratedSlip: 0.0147
};
const [OFF] = [0];
const [BEARING, IMBALANCE, MISALIGNED, WINDING, COOLING, LUBRICATION] = [0, 1, 2, 3, 4, 5];

function createBody(vary: (spread: number) => number): MachineBody {
	const baseRadial = 0.9 * vary(0.05);
	const baseAxial = 0.5 * vary(0.05);
	const windingRise = 58 * vary(0.015);
	const bearingRise = 19 * vary(0.02);
	const speed = new Lag(0.985, 3.5);
	const load = new Lag(0.6, 5);
	const winding = new Lag(55, 420);
	const bearing = new Lag(42, 300);
	const draught = new Wander(0.012, 30);
	const supply = new Wander(2, 90);
	let volts = 400;
	let torque = 0;
	let power = 0;
	let amps = 0;
	let radial = 0;
	let axial = 0;

	return {
		advance(seconds, duty, severity, ambient, random) {
			const wear = severity[BEARING]!;
			const imbalance = severity[IMBALANCE]!;
			const misaligned = severity[MISALIGNED]!;
			const shorted = severity[WINDING]!;
			const dry = severity[LUBRICATION]!;
			const powered = duty.mode !== OFF;
			volts = motor.volts + supply.advance(seconds, random) - (powered ? 2.5 * shorted : 0);
			const damper = load.advance(seconds, powered ? duty.load : 0.3) * (1 + draught.advance(seconds, random));

			// fan law: torque with the square of speed, times the damper's opening
			const frictionRatio = 1 + 3.5 * wear + 0.7 * misaligned + 2.6 * dry;
			const rated = damper + 0.012 * frictionRatio;
			const n = speed.advance(seconds, powered ? 1 - slipAt(motor, rated * (1 + 0.25 * shorted), volts) : 0);
			const n2 = n * n;
			torque = powered ? RATED_TORQUE * (damper * n2 + 0.012 * frictionRatio) : 0;
			const shaftKw = (torque * n * SYNCHRONOUS_RPM * Math.PI) / 30000;
			const shortKw = powered ? 1.5 * shorted : 0;
			power = powered ? inputPowerKw(motor, shaftKw) + shortKw : 0;
			amps = powered ? lineAmps(motor, power, volts) * (1 + 0.06 * shorted) + inrushAmps(RATED_AMPS, n) : 0;

			const heat = (Math.min(amps, 90) / RATED_AMPS) ** 2 + 0.38 * shorted * (powered ? 1 : 0);
			const resistance = (1 + 0.75 * severity[COOLING]!) * (n > 0.5 ? 1 : 1.6);
			winding.advance(seconds, ambient + windingRise * heat * resistance);
			const conducted = 0.12 * (winding.value - ambient);
			bearing.advance(seconds, ambient + bearingRise * n * (0.7 + 0.3 * frictionRatio) ** 1.2 + conducted);

			const bent = combine(baseRadial * n2 + 0.25 * damper * n, 6.2 * imbalance * n2, 3 * misaligned * n2);
			const broad = combine(5.6 * wear * n, 2.4 * dry * n, 2.8 * shorted * n);
			radial = combine(bent, broad) * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
			const thrust = combine(baseAxial * n2, 0.9 * imbalance * n2, 4.8 * misaligned * n2, 2.2 * wear * n);
			axial = combine(thrust, 0.8 * dry * n) * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = volts;
			out[1] = amps;
			out[2] = power;
			out[3] = speed.value * SYNCHRONOUS_RPM;
			out[4] = torque;
			out[5] = winding.value;
			out[6] = bearing.value;
			out[7] = radial;
			out[8] = axial;
		}
	};
}

export const electricMotor: MachineClass = {
	id: 'electric-motor',
	title: 'Electric motor',
	place: { area: 'utilities', line: 'ventilation', prefix: 'motor' },
	maxStepSeconds: 10,
	startMode: 'part-load',
	vibrationZones: { limits: [1.4, 2.8, 4.5], basis: 'ISO 10816-3 group 2, rigid' },
	inputs: [
		{ name: 'damper', unit: '-', description: 'share of rated torque the fan takes at rated speed' },
		{ name: 'supply', unit: 'V', description: 'line voltage, slow wander around 400 V' },
		{ name: 'ambient', unit: '°C', description: 'room temperature over the day' }
	],
	sensors: [
		{ name: 'voltage', unit: 'V', kind: 'voltage', resolution: 0.1, noise: 0.3, validRange: [0, 600], typical: 400 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.1, noise: 0.15, validRange: [0, 500], typical: 38 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.01, noise: 0.08, validRange: [0, 100], typical: 20 },
		{ name: 'speed', unit: 'rpm', kind: 'speed', resolution: 0.1, noise: 0.3, validRange: [0, 3600], typical: 1487 },
		{ name: 'torque', unit: 'N·m', kind: 'torque', resolution: 0.1, noise: 0.6, validRange: [0, 600], typical: 118 },
		{
			name: 'windingTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.12,
			validRange: [-20, 220],
			typical: 55
		},
		{
			name: 'bearingTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 160],
			typical: 43
		},
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.03,
			validRange: [0, 50],
			typical: 1.1
		},
		{
			name: 'vibrationAxial',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.02,
			validRange: [0, 50],
			typical: 0.5
		}
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0, 0], seconds: [120, 300], next: { 'start-up': 1 } },
		{
			id: 'start-up',
			title: 'Start-up',
			running: true,
			load: [0.3, 0.3],
			seconds: [16, 22],
			next: { 'part-load': 3, idle: 1 }
		},
		{
			id: 'idle',
			title: 'Damper closed',
			running: true,
			load: [0.27, 0.33],
			seconds: [90, 240],
			next: { 'part-load': 4, 'full-load': 1, off: 1 }
		},
		{
			id: 'part-load',
			title: 'Part load',
			running: true,
			load: [0.5, 0.7],
			seconds: [180, 420],
			next: { 'full-load': 4, 'part-load': 3, idle: 2 }
		},
		{
			id: 'full-load',
			title: 'Full load',
			running: true,
			load: [0.85, 0.98],
			seconds: [150, 420],
			next: { 'part-load': 4, idle: 1 }
		}
	],
	faults: [
		{
			id: 'bearing-wear',
			title: 'Bearing wear',
			mechanism:
				'Pitted raceways add broad-band vibration and friction; friction heats the bearing with a lag and costs torque and current.',
			law: 'exponential',
			source: 'Gebraeel et al. 2005; ISO 281; friction torque after SKF 2018',
			effects: {
				vibration: 71.2,
				vibrationAxial: 46.6,
				bearingTemperature: 26.4,
				power: 0.7,
				current: 0.7,
				torque: 0.7,
				speed: 0.7,
				windingTemperature: 0.5
			}
		},
		{
			id: 'imbalance',
			title: 'Rotor imbalance',
			mechanism: 'Deposits on the fan wheel: centrifugal force with the square of speed, mostly radial.',
			law: 'linear',
			source: 'ISO 21940-11; Randall, Vibration-based Condition Monitoring, ch. 2',
			effects: { vibration: 79.4, vibrationAxial: 13.8 }
		},
		{
			id: 'misalignment',
			title: 'Shaft misalignment',
			mechanism:
				'The coupling forces the shaft at twice the speed of rotation, axially more than radially; the bearing warms.',
			law: 'linear',
			source: 'ISO 20816-1; Piotrowski, Shaft Alignment Handbook, ch. 2',
			effects: { vibrationAxial: 114.1, vibration: 32.1, bearingTemperature: 5.0 }
		},
		{
			id: 'winding-insulation',
			title: 'Winding insulation breakdown',
			mechanism:
				'Shorted turns carry a circulating current: more current and loss for the same torque, a hotter winding, vibration at twice the line frequency.',
			law: 'montsinger',
			source: 'Montsinger 1930; IEC 60034-18; Tavner 2008, IET Electric Power Applications 2:215-247',
			effects: {
				vibration: 29.5,
				windingTemperature: 5.8,
				bearingTemperature: 3.4,
				speed: 2.9,
				current: 1.8,
				voltage: 1.2,
				power: 0.7
			}
		},
		{
			id: 'cooling-clog',
			title: 'Clogged cooling',
			mechanism:
				'Dust on fins and cowl raises the thermal resistance of the winding; the bearing is warmed through the frame.',
			law: 'kern-seaton',
			source: 'Kern & Seaton 1959; IEC 60034-6',
			effects: { windingTemperature: 4.5, bearingTemperature: 2.7 }
		},
		{
			id: 'lubrication-loss',
			title: 'Lubrication loss',
			mechanism: 'Starved grease: mixed friction heats the bearing, costs torque, and adds some broad-band vibration.',
			law: 'exponential',
			source: 'Stribeck curve; Lugt 2009, Tribology Transactions 52:470-480 (grease life)',
			effects: {
				vibration: 24.0,
				bearingTemperature: 19.3,
				vibrationAxial: 11.7,
				power: 0.5,
				torque: 0.5,
				speed: 0.5,
				current: 0.5
			}
		}
	],
	createBody
};
