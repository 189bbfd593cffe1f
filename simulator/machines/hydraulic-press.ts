/**
 * Simulator: a hydraulic press making strokes - approach, press, hold, return - with a pressure-compensated pump.
 *
 * Pressure and flow of each phase give hydraulic power p Q / 600; leakage past valve, pump and seal after the orifice law,
 * its loss turning to heat in the oil (Merritt, Hydraulic Control Systems, ch. 3 and 4).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, lineAmps, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

const motor: MotorRating = {
	shaftKw: 37,
	volts: 400,
	constantLossKw: 0.9,
	copperLossKw: 1.8,
	magnetisingAmps: 27,
	ratedSlip: 0.013
};
const IDLE_BAR = 18;
const STROKE_MM = 400;
/** Seconds of approach, press, hold, return; pressure while holding. */
interface Product {
	readonly seconds: readonly [approach: number, press: number, hold: number, back: number];
	readonly holdBar: number;
}
const [OFF, STARTING, , PRODUCT_A, PRODUCT_B] = [0, 1, 2, 3, 4];
const products: Readonly<Record<number, Product>> = {
	[PRODUCT_A!]: { seconds: [3, 3, 4, 2], holdBar: 180 },
	[PRODUCT_B!]: { seconds: [4, 4, 5, 3], holdBar: 230 }
};
const [PUMP, VALVE, SEAL, COOLER] = [0, 1, 2, 3];
/** Share of the tank that is low enough to be topped up, and what it is filled to, percent. */
const TOP_UP = [45, 85] as const;

function createBody(vary: (spread: number) => number): MachineBody {
	const baseVibration = 1.0 * vary(0.05);
	const oilRise = 26 * vary(0.02);
	const strength = vary(0.008);
	const pressure = new Lag(IDLE_BAR, 0.45);
	const flow = new Lag(5, 0.35);
	const running = new Lag(1, 2.5);
	const oil = new Lag(46, 330);
	const blank = new Wander(0.008, 25);
	const supply = new Wander(1.5, 60);
	let clock = 0;
	let position = 0;
	let level: number = TOP_UP[1];
	let loss = 0;
	let power = 0;
	let amps = 0;
	let vibration = 0;

	return {
		advance(seconds, duty, severity, ambient, random) {
			const worn = severity[PUMP]!;
			const leaky = severity[VALVE]!;
			const seal = severity[SEAL]!;
			const powered = duty.mode !== OFF;
			const product = products[duty.mode];
			const n = running.advance(seconds, powered ? 1 : 0);
			const variation = 1 + blank.advance(seconds, random);
			// warm oil is thinner and leaks more: about 1 % of leakage per kelvin
			const thin = 1 + 0.01 * (oil.value - 46);
			let wantedBar = powered ? IDLE_BAR * (duty.mode === STARTING ? Math.min(1, duty.elapsed / duty.length) : 1) : 0;
			let wantedFlow = powered ? 5 : 0;
			let target = 0;
			if (product) {
				const [approach, press, hold, back] = product.seconds;
				clock += seconds;
				const length = approach + press + hold + back;
				while (clock >= length) clock -= length;
				const slow = 1 - (0.18 * worn + 0.06 * leaky + 0.04 * seal) * thin;
				if (clock < approach) {
					wantedBar = 42;
					wantedFlow = 125 * slow;
					target = 300 * Math.min(1, ((clock + 1) / approach) * slow);
				} else if (clock < approach + press) {
					const u = (clock - approach + 1) / press;
					wantedBar = 42 + (product.holdBar * strength * variation - 42) * u * (1 - 0.1 * worn * thin);
					wantedFlow = 38 * slow;
					target = 300 + 60 * u * slow;
				} else if (clock < approach + press + hold) {
					wantedBar = product.holdBar * strength * variation * (1 - (0.09 * leaky + 0.04 * worn + 0.03 * seal) * thin);
					wantedFlow = 4;
					target = 360 - 4 * (leaky + seal);
				} else {
					wantedBar = 55;
					wantedFlow = 118 * slow;
					target = Math.max(0, 360 * (1 - (clock - approach - press - hold + 1) / back));
				}
			} else clock = 0;
			position += (target - position) * (1 - Math.exp(-seconds / 0.35));

			// orifice: Q = Cd A sqrt(2 dp / rho), l/min; make-up of what leaks past the valve, drain of the pump's case
			const bar = pressure.advance(seconds, wantedBar * (n > 0.6 ? 1 : n));
			const throttled = Math.sqrt(Math.max(0, bar) / 200) * thin;
			const valveFlow = 16 * leaky * throttled;
			const caseFlow = 11 * worn * (bar / 200) * thin;
			const sealFlow = 3 * seal * throttled;
			flow.advance(seconds, (wantedFlow + (product ? valveFlow + sealFlow : 0.3 * valveFlow)) * n);
			const hydraulicKw = (bar * (flow.value + caseFlow)) / 600;
			const leakKw = (bar * (valveFlow + caseFlow)) / 600;
			const efficiency = 0.88 - 0.06 * worn;
			const shaftKw = hydraulicKw / efficiency + 1.1 * n;
			const volts = motor.volts + supply.advance(seconds, random);
			power = powered ? inputPowerKw(motor, shaftKw) : 0;
			amps = powered ? lineAmps(motor, power, volts) : 0;

			// the oil keeps what is lost: throttling, friction and leakage
			loss += (0.25 * hydraulicKw + leakKw + 0.9 * n - loss) * (1 - Math.exp(-seconds / 30));
			oil.advance(seconds, ambient + oilRise * (loss / 2.4) * (1 + 0.75 * severity[COOLER]!));

			level -= (sealFlow * seconds) / 100;
			if (level < TOP_UP[0]) level = TOP_UP[1];

			const pumping = baseVibration * n * (0.75 + 0.35 * (bar / 200) + 0.002 * flow.value);
			const rough = combine(pumping, 5.4 * worn * n * (0.7 + 0.4 * (bar / 200)), 1.5 * leaky * n * throttled);
			vibration = rough * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = pressure.value;
			out[1] = flow.value;
			out[2] = position;
			out[3] = power;
			out[4] = amps;
			out[5] = oil.value;
			out[6] = level - (2.5 * position) / STROKE_MM + 0.03 * (oil.value - 46);
			out[7] = vibration;
		},
		stage: () => Math.floor(clock)
	};
}

export const hydraulicPress: MachineClass = {
	id: 'hydraulic-press',
	title: 'Hydraulic press',
	place: { area: 'forming', line: 'press-line', prefix: 'press' },
	maxStepSeconds: 1,
	startMode: 'product-a',
	vibrationZones: { limits: [2.3, 4.5, 7.1], basis: 'ISO 10816-3 group 2, flexible' },
	inputs: [
		{ name: 'product', unit: '-', description: 'holding pressure and seconds of approach, press, hold, return' },
		{ name: 'blank', unit: '-', description: 'thickness and strength of the sheet, slow wander' },
		{ name: 'ambient', unit: '°C', description: 'hall temperature over the day' }
	],
	sensors: [
		{
			name: 'pressure',
			unit: 'bar',
			kind: 'pressure',
			resolution: 0.1,
			noise: 0.6,
			validRange: [0, 400],
			typical: 110
		},
		{ name: 'flow', unit: 'l/min', kind: 'flow', resolution: 0.1, noise: 0.5, validRange: [0, 250], typical: 60 },
		{ name: 'position', unit: 'mm', kind: 'position', resolution: 0.1, noise: 0.3, validRange: [0, 600], typical: 250 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.01, noise: 0.08, validRange: [0, 80], typical: 10 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.1, noise: 0.15, validRange: [0, 200], typical: 32 },
		{
			name: 'oilTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 120],
			typical: 46
		},
		{ name: 'tankLevel', unit: '%', kind: 'level', resolution: 0.1, noise: 0.1, validRange: [0, 100], typical: 84 },
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.03,
			validRange: [0, 50],
			typical: 1.1
		}
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0, 0], seconds: [90, 240], next: { 'start-up': 1 } },
		{ id: 'start-up', title: 'Start-up', running: true, load: [0, 0], seconds: [15, 20], next: { idle: 1 } },
		{
			id: 'idle',
			title: 'Waiting',
			running: true,
			load: [0, 0],
			seconds: [40, 150],
			next: { 'product-a': 4, 'product-b': 4, off: 1 }
		},
		{
			id: 'product-a',
			title: 'Product A',
			running: true,
			load: [1, 1],
			seconds: [240, 720],
			next: { 'product-b': 2, idle: 3 }
		},
		{
			id: 'product-b',
			title: 'Product B',
			running: true,
			load: [1, 1],
			seconds: [240, 720],
			next: { 'product-a': 2, idle: 3 }
		}
	],
	faults: [
		{
			id: 'pump-wear',
			title: 'Pump wear',
			mechanism:
				'Widened gaps in the pump: part of the flow drains through its case, strokes are slower, oil is hotter, the pump louder.',
			law: 'archard',
			source: 'Archard 1953; Merritt, Hydraulic Control Systems, ch. 4; ISO 4409',
			effects: {
				vibration: 57.4,
				position: 37.6,
				flow: 23.5,
				power: 22.7,
				oilTemperature: 9.3,
				current: 7.8,
				tankLevel: 4.8,
				pressure: 3.8
			}
		},
		{
			id: 'valve-leak',
			title: 'Leaking valve',
			mechanism:
				'Oil passes the closed valve as an orifice: holding pressure sags, the pump makes up flow while holding, the throttled power heats the oil.',
			law: 'leak-erosion',
			source: 'Merritt, Hydraulic Control Systems, ch. 3; ISO 6403',
			effects: {
				power: 32.1,
				flow: 20.5,
				oilTemperature: 19.9,
				position: 18.7,
				current: 12.5,
				vibration: 11.0,
				tankLevel: 9.7,
				pressure: 5.1
			}
		},
		{
			id: 'seal-leak',
			title: 'Cylinder seal leak',
			mechanism:
				'Oil is lost to the outside: the tank falls and is topped up, the ram sinks while holding, pressure sags a little.',
			law: 'leak-erosion',
			source: 'Merritt, Hydraulic Control Systems, ch. 3; Nikas 2010, Proc. IMechE J 224 (reciprocating seals)',
			effects: { tankLevel: 179.4, position: 10.8, power: 5.2, flow: 4.6, current: 1.7, pressure: 1.2 }
		},
		{
			id: 'cooler-fouling',
			title: 'Fouled cooler',
			mechanism: 'Scale in the cooler: the oil runs hotter and thinner, leaks more, and expands in the tank.',
			law: 'kern-seaton',
			source: 'Kern & Seaton 1959; TEMA fouling resistances',
			effects: { oilTemperature: 9.2, tankLevel: 4.4 }
		}
	],
	createBody
};
