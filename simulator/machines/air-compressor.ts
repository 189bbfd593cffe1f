/**
 * Simulator: an oil-injected screw compressor on a receiver, holding a pressure band by loading and unloading.
 *
 * Receiver: V dp/dt = p0 (delivered - drawn - leaked); compression work after the polytropic law; oil and air temperatures
 * follow the power through the cooler (Bloch, A Practical Guide to Compressor Technology; ISO 1217).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, lineAmps, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

/** Free air delivered, m3/min; receiver, m3; band, bar gauge. */
const CAPACITY = 10;
const RECEIVER = 3;
const BAND = [7.0, 7.8] as const;
const LOADED_KW = 55;
const UNLOADED_SHARE = 0.27;
const motor: MotorRating = {
	shaftKw: 55,
	volts: 400,
	constantLossKw: 1.2,
	copperLossKw: 2.3,
	magnetisingAmps: 38,
	ratedSlip: 0.012
};
const [OFF, STARTING, IDLE, , , LOADED, UNLOADED] = [0, 1, 2, 3, 4, 5, 6];
const [VALVE, FILTER, BEARING, COOLER, LUBRICATION] = [0, 1, 2, 3, 4];

function createBody(vary: (spread: number) => number): MachineBody {
	const baseVibration = 1.5 * vary(0.05);
	const capacity = CAPACITY * vary(0.01);
	const oilRise = 54 * vary(0.015);
	const shaft = new Lag(LOADED_KW, 1.2);
	const running = new Lag(1, 3);
	const oil = new Lag(74, 260);
	const air = new Lag(80, 70);
	const drop = new Lag(25, 2);
	const draw = new Lag(6, 4);
	const consumers = new Wander(0.3, 25);
	const supply = new Wander(2, 90);
	let pressure = 7.4;
	let loaded = true;
	let phase: number = LOADED!;
	let power = 0;
	let amps = 0;
	let vibration = 0;

	return {
		advance(seconds, duty, severity, ambient, random) {
			const leaky = severity[VALVE]!;
			const clogged = severity[FILTER]!;
			const wear = severity[BEARING]!;
			const dry = severity[LUBRICATION]!;
			const powered = duty.mode !== OFF;
			if (pressure <= BAND[0]) loaded = true;
			else if (pressure >= BAND[1]) loaded = false;
			if (duty.mode === STARTING || !powered) loaded = false;
			phase = powered && duty.mode !== STARTING ? (loaded ? LOADED! : UNLOADED!) : duty.mode;

			const n = running.advance(seconds, powered ? 1 : 0);
			const compressing = loaded && powered ? 1 : 0;
			// a clogged inlet filter: the screw draws thinner air
			const delivered = compressing * capacity * n * (1 - 0.16 * clogged) * (1 - 0.1 * leaky);
			const wanted = duty.mode === IDLE || !powered ? duty.load : duty.load + consumers.advance(seconds, random);
			// consumers draw less when pressure is low
			draw.advance(seconds, Math.max(0, wanted) * Math.min(1, Math.max(0, pressure) / 6));
			// choked orifice: mass flow with absolute pressure; back through the valve when it should be shut
			const leaked = 2.6 * leaky * (1 - compressing) * ((pressure + 1.013) / 8.5);
			pressure += ((delivered - draw.value - leaked) * 1.013 * seconds) / (60 * RECEIVER);
			pressure = Math.min(12, Math.max(0, pressure));

			const ratio = (pressure + 1.013) / 1.013;
			const work = (Math.pow(ratio, 0.286) - 1) / 0.836; // 1 at 7.4 bar gauge
			const frictionKw = 1.6 * (1 + 2.2 * wear + 1.6 * dry);
			const share = compressing ? work * (1 - 0.05 * clogged) : UNLOADED_SHARE * (1 + 0.45 * leaky);
			shaft.advance(seconds, powered ? (LOADED_KW - 1.6) * n * share * 0.98 + frictionKw : 0);
			const volts = motor.volts + supply.advance(seconds, random);
			power = powered ? inputPowerKw(motor, shaft.value) : 0;
			amps = powered ? lineAmps(motor, power, volts) : 0;

			const heat = shaft.value / LOADED_KW;
			const fouled = 1 + 0.42 * severity[COOLER]! + 0.22 * dry;
			oil.advance(seconds, ambient + (oilRise * (0.35 + 0.65 * heat) * n + 7 * wear * n) * fouled);
			// back-flow is compressed twice
			const recompressed = 14 * leaky * n + 4 * clogged * compressing + 7 * dry * n;
			air.advance(seconds, oil.value + (compressing ? 7 * work : 2) + recompressed);
			const through = delivered / CAPACITY;
			drop.advance(seconds, 25 * through * through * (1 + 4.5 * clogged));

			const healthy = baseVibration * n * (1 + 0.35 * compressing * work);
			const rotor = combine(healthy, 6.8 * wear * n, 2.3 * dry * n, 1.4 * leaky * n * (1 - compressing));
			vibration = rotor * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = pressure;
			out[1] = draw.value;
			out[2] = power;
			out[3] = amps;
			out[4] = oil.value;
			out[5] = air.value;
			out[6] = drop.value;
			out[7] = vibration;
		},
		phase: () => phase
	};
}

export const airCompressor: MachineClass = {
	id: 'air-compressor',
	title: 'Air compressor',
	place: { area: 'utilities', line: 'compressed-air', prefix: 'compressor' },
	maxStepSeconds: 1,
	startMode: 'normal',
	vibrationZones: { limits: [2.3, 4.5, 7.1], basis: 'ISO 10816-3 group 2, flexible' },
	inputs: [
		{ name: 'demand', unit: 'm3/min', description: 'free air the consumers draw' },
		{ name: 'supply', unit: 'V', description: 'line voltage, slow wander around 400 V' },
		{ name: 'ambient', unit: '°C', description: 'room temperature over the day' }
	],
	sensors: [
		{
			name: 'pressure',
			unit: 'bar',
			kind: 'pressure',
			resolution: 0.01,
			noise: 0.006,
			validRange: [0, 16],
			typical: 7.4
		},
		{ name: 'flow', unit: 'm3/min', kind: 'flow', resolution: 0.01, noise: 0.04, validRange: [0, 25], typical: 5.5 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.1, noise: 0.2, validRange: [0, 150], typical: 58 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.1, noise: 0.4, validRange: [0, 400], typical: 92 },
		{
			name: 'oilTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 160],
			typical: 65
		},
		{
			name: 'dischargeTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.15,
			validRange: [-20, 200],
			typical: 70
		},
		{
			name: 'filterPressureDrop',
			unit: 'mbar',
			kind: 'pressure',
			resolution: 0.1,
			noise: 0.3,
			validRange: [0, 400],
			typical: 25
		},
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.04,
			validRange: [0, 50],
			typical: 1.9
		}
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0.6, 1], seconds: [60, 150], next: { 'start-up': 1 } },
		{ id: 'start-up', title: 'Start-up', running: true, load: [1, 1.5], seconds: [12, 18], next: { normal: 1 } },
		{ id: 'idle', title: 'Break', running: true, load: [1, 1.8], seconds: [120, 240], next: { normal: 5, off: 1 } },
		{
			id: 'normal',
			title: 'Normal demand',
			running: true,
			load: [4.5, 6],
			seconds: [240, 600],
			next: { high: 4, idle: 2, normal: 2 }
		},
		{
			id: 'high',
			title: 'High demand',
			running: true,
			load: [6.5, 7.6],
			seconds: [180, 420],
			next: { normal: 5, idle: 1 }
		},
		{ id: 'loaded', title: 'Loaded', running: true },
		{ id: 'unloaded', title: 'Unloaded', running: true }
	],
	faults: [
		{
			id: 'valve-leak',
			title: 'Leaking check valve',
			mechanism:
				'Compressed air flows back through the valve while unloaded: pressure falls sooner, the machine loads more often, recompressed air is hotter, unloaded running takes more power.',
			law: 'leak-erosion',
			source: 'choked orifice flow ISO 6358; Bloch, A Practical Guide to Compressor Technology, ch. 4',
			effects: {
				dischargeTemperature: 7.0,
				power: 3.1,
				filterPressureDrop: 3.0,
				vibration: 2.3,
				current: 2.1,
				oilTemperature: 2.0
			}
		},
		{
			id: 'filter-clog',
			title: 'Clogged inlet filter',
			mechanism: 'The filter takes more pressure drop, thinner air is delivered, loading takes longer and runs hotter.',
			law: 'blocking',
			source: 'Hermia 1982; ISO 5011',
			effects: { filterPressureDrop: 41.6, dischargeTemperature: 1.5, power: 1.5, current: 1.4, oilTemperature: 0.6 }
		},
		{
			id: 'bearing-wear',
			title: 'Bearing wear',
			mechanism: 'Pitted raceways of the air end add broad-band vibration, friction and heat in the oil.',
			law: 'exponential',
			source: 'Gebraeel et al. 2005; ISO 281',
			effects: { vibration: 46.9, oilTemperature: 3.8, power: 3.7, dischargeTemperature: 3.3, current: 3.1 }
		},
		{
			id: 'cooler-fouling',
			title: 'Fouled cooler',
			mechanism: 'Dirt on the fins raises the thermal resistance: oil and discharge air run hotter at the same power.',
			law: 'kern-seaton',
			source: 'Kern & Seaton 1959; TEMA fouling resistances',
			effects: { oilTemperature: 7.3, dischargeTemperature: 6.3 }
		},
		{
			id: 'lubrication-loss',
			title: 'Oil loss',
			mechanism:
				'Less oil in the air end seals and cools worse: hotter air and oil, more friction power, rougher running.',
			law: 'exponential',
			source: 'Stribeck curve; Bloch, A Practical Guide to Compressor Technology, ch. 4',
			effects: { vibration: 10.1, dischargeTemperature: 6.5, oilTemperature: 4.6, power: 2.7, current: 2.2 }
		}
	],
	createBody
};
