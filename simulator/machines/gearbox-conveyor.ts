/**
 * Simulator: a belt conveyor driven by a motor through a gearbox.
 *
 * Material on the belt per metre is throughput over belt speed; resistance after DIN 22101 / ISO 5048 gives torque, the
 * gearbox loses power in mesh and churning as heat in its oil (ISO/TR 14179-1).
 */
import { MILLI_FLOOR } from './noise-floor';
import { Lag, Wander } from '../physics/dynamics';
import { inputPowerKw, inrushAmps, lineAmps, slipAt, type MotorRating } from '../physics/motor';
import { combine, RMS_SCATTER } from '../physics/vibration';
import type { MachineBody, MachineClass } from '../machine-class';

const SYNCHRONOUS_RPM = 1500;
const RATED_TORQUE = 142;
const RATED_AMPS = 41;
/** Belt speed in m/s at synchronous motor speed without creep. */
const BELT_PER_SPEED = 1.86;
const motor: MotorRating = {
	shaftKw: 22,
	volts: 400,
	constantLossKw: 0.6,
	copperLossKw: 1.2,
	magnetisingAmps: 17,
	ratedSlip: 0.016
};
const [OFF, STARTING] = [0, 1];
const [CRACK, LUBRICATION, SLIP, BEARING] = [0, 1, 2, 3];

function createBody(vary: (spread: number) => number): MachineBody {
	const baseVibration = 0.95 * vary(0.05);
	const rolling = vary(0.01);
	const oilRise = 10 * vary(0.02);
	const speed = new Lag(0.985, 3);
	const throughput = new Lag(200, 12);
	const oil = new Lag(45, 360);
	const feed = new Wander(0.03, 20);
	const supply = new Wander(2, 90);
	let turn = 0;
	let belt = 0;
	let torque = 0;
	let power = 0;
	let amps = 0;
	let vibration = 0;
	let carried = 0;

	return {
		advance(seconds, duty, severity, ambient, random) {
			const crack = severity[CRACK]!;
			const dry = severity[LUBRICATION]!;
			const slipping = severity[SLIP]!;
			const wear = severity[BEARING]!;
			const powered = duty.mode !== OFF;
			const volts = motor.volts + supply.advance(seconds, random);
			const ramp = duty.mode === STARTING ? Math.min(1, (duty.elapsed + 1) / (0.7 * duty.length)) : 1;
			const wobble = 1 + feed.advance(seconds, random);
			const fed = powered && duty.mode !== STARTING ? duty.load * wobble : 0;

			const share = torque / RATED_TORQUE;
			const n = speed.advance(seconds, powered ? ramp * (1 - slipAt(motor, share, volts)) : 0);
			// creep of the belt on the drum grows with the pull it has to carry (Euler-Eytelwein)
			const creep = (0.012 + 0.2 * slipping) * (0.4 + 0.8 * share);
			belt = BELT_PER_SPEED * n * (1 - creep);
			carried = throughput.advance(seconds, fed) * (n > 0.3 ? 1 : 0);
			const perMetre = n > 0.3 ? carried / 400 / (belt / BELT_PER_SPEED) : 0;

			// a tooth that is losing stiffness lets torque pulsate at the gear's turning frequency
			turn += 0.37 * seconds * n;
			const pulse = 0.05 * crack * (Math.sin(2 * Math.PI * turn) + 0.5 * random.bell());
			const meshLoss = 1 + 1.6 * dry + 0.5 * crack + 0.9 * wear;
			const resistance = rolling * (0.22 + 0.62 * perMetre) * (1 - 0.1 * slipping) + 0.045 * meshLoss;
			torque = powered ? RATED_TORQUE * resistance * (1 + pulse) * (n > 0.05 ? 1 : 0.5) : 0;
			const shaftKw = (torque * n * SYNCHRONOUS_RPM * Math.PI) / 30000;
			power = powered ? inputPowerKw(motor, shaftKw) : 0;
			amps = powered ? lineAmps(motor, power, volts) + 0.5 * inrushAmps(RATED_AMPS, Math.min(1, n + 1 - ramp)) : 0;
			const lossKw = shaftKw * 0.025 * meshLoss + 0.12 * n * (1 + 1.8 * dry + 1.2 * wear);
			oil.advance(seconds, ambient + oilRise * (lossKw / 0.3) * (1 + 0.25 * dry) + 3 * n);

			const mesh = baseVibration * n * (0.55 + 0.55 * share);
			const teeth = 7 * crack * n * (0.5 + 0.6 * share);
			const rough = combine(mesh, teeth, 2.4 * dry * n, 1.2 * slipping * n);
			vibration = combine(rough, 6.8 * wear * n) * (1 + RMS_SCATTER * random.bell()) + MILLI_FLOOR;
		},
		measure(out) {
			out[0] = belt;
			out[1] = speed.value * SYNCHRONOUS_RPM;
			out[2] = carried;
			out[3] = torque;
			out[4] = power;
			out[5] = amps;
			out[6] = oil.value;
			out[7] = vibration;
		}
	};
}

export const gearboxConveyor: MachineClass = {
	id: 'gearbox-conveyor',
	title: 'Gearbox conveyor',
	place: { area: 'logistics', line: 'infeed', prefix: 'conveyor' },
	maxStepSeconds: 5,
	startMode: 'normal',
	vibrationZones: { limits: [1.4, 2.8, 4.5], basis: 'ISO 10816-3 group 2, rigid' },
	inputs: [
		{ name: 'feed', unit: 't/h', description: 'material put on the belt' },
		{ name: 'supply', unit: 'V', description: 'line voltage, slow wander around 400 V' },
		{ name: 'ambient', unit: '°C', description: 'hall temperature over the day' }
	],
	sensors: [
		{
			name: 'beltSpeed',
			unit: 'm/s',
			kind: 'speed',
			resolution: 0.001,
			noise: 0.003,
			validRange: [0, 6],
			typical: 1.8
		},
		{
			name: 'motorSpeed',
			unit: 'rpm',
			kind: 'speed',
			resolution: 0.1,
			noise: 0.4,
			validRange: [0, 3600],
			typical: 1486
		},
		{ name: 'throughput', unit: 't/h', kind: 'flow', resolution: 1, noise: 2, validRange: [0, 1000], typical: 250 },
		{ name: 'torque', unit: 'N·m', kind: 'torque', resolution: 0.1, noise: 0.5, validRange: [0, 500], typical: 93 },
		{ name: 'power', unit: 'kW', kind: 'power', resolution: 0.01, noise: 0.06, validRange: [0, 60], typical: 15.5 },
		{ name: 'current', unit: 'A', kind: 'current', resolution: 0.1, noise: 0.12, validRange: [0, 300], typical: 28 },
		{
			name: 'gearboxTemperature',
			unit: '°C',
			kind: 'temperature',
			resolution: 0.1,
			noise: 0.1,
			validRange: [-20, 160],
			typical: 42
		},
		{
			name: 'vibration',
			unit: 'mm/s',
			kind: 'vibration',
			resolution: 0.01,
			noise: 0.03,
			validRange: [0, 50],
			typical: 0.9
		}
	],
	modes: [
		{ id: 'off', title: 'Off', running: false, load: [0, 0], seconds: [90, 240], next: { 'start-up': 1 } },
		{ id: 'start-up', title: 'Start-up', running: true, load: [0, 0], seconds: [20, 28], next: { empty: 1 } },
		{
			id: 'empty',
			title: 'Running empty',
			running: true,
			load: [0, 0],
			seconds: [60, 150],
			next: { normal: 4, heavy: 2, off: 1 }
		},
		{
			id: 'normal',
			title: 'Normal load',
			running: true,
			load: [180, 300],
			seconds: [180, 480],
			next: { heavy: 4, normal: 3, empty: 2 }
		},
		{
			id: 'heavy',
			title: 'Heavy load',
			running: true,
			load: [360, 440],
			seconds: [150, 360],
			next: { normal: 4, empty: 1 }
		}
	],
	faults: [
		{
			id: 'gear-crack',
			title: 'Gear tooth crack',
			mechanism:
				'A crack at the tooth root lowers mesh stiffness: vibration with load, torque and current pulsate at the turning frequency, the oil warms.',
			law: 'paris-erdogan',
			source: 'Paris & Erdogan 1963; Chaari et al. 2009, European Journal of Mechanics A 28:461-468',
			effects: { vibration: 84.7, gearboxTemperature: 3.6, current: 0.4 }
		},
		{
			id: 'lubrication-loss',
			title: 'Lubrication loss',
			mechanism: 'A thinning oil film: mesh friction heats the gearbox, costs torque and current, adds roughness.',
			law: 'exponential',
			source: 'ISO/TR 14179-1 (gear losses); Stribeck curve',
			effects: {
				vibration: 25.1,
				gearboxTemperature: 21.9,
				current: 1.2,
				power: 1.2,
				torque: 1.2,
				motorSpeed: 1.1,
				beltSpeed: 0.8
			}
		},
		{
			id: 'belt-slip',
			title: 'Belt slip',
			mechanism: 'Lost tension: the belt creeps on the drum, runs slower than the motor says, carries more per metre.',
			law: 'linear',
			source: 'Euler-Eytelwein (DIN 22101)',
			effects: { beltSpeed: 83.6, vibration: 9.2, current: 0.8, power: 0.8, torque: 0.8, motorSpeed: 0.7 }
		},
		{
			id: 'bearing-wear',
			title: 'Bearing wear',
			mechanism: 'Pitted raceways of the input shaft add broad-band vibration, friction and heat in the oil.',
			law: 'exponential',
			source: 'Gebraeel et al. 2005; ISO 281',
			effects: {
				vibration: 89.3,
				gearboxTemperature: 9.0,
				current: 0.7,
				power: 0.7,
				torque: 0.7,
				motorSpeed: 0.6,
				beltSpeed: 0.5
			}
		}
	],
	createBody
};
