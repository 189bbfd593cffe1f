/**
 * Simulator: one machine - its duty, its faults, its physics, its sensors.
 *
 * In: time, step by step. Out: what its sensors send. State moves only in `advance`; `read` is a pure function of state and
 * step number, so a step that nobody reads leaves the same machine behind as one that was read.
 */
import { MillwrightError, machineIdOf, type AssetPath, type EpochMs, type FaultTruth } from '../src/lib/contracts';
import { DutySchedule } from './duty';
import { severityAt, shareAtSeverity, type GrowthLawId } from './growth';
import type { MachineBody, MachineClass, SensorSpec } from './machine-class';
import { bellOf, hash, RandomStream, uniformOf } from './random';
import { BURST_STEPS, LOST_SHARE, sensorFaultModes, STUCK_FROM } from './sensor-faults';
import { synthesise, waveformClasses, waveformSampleRateHz } from './waveforms';

/** A fault as planned for one machine. */
export interface PlannedFault {
	readonly fault: string;
	readonly onset: EpochMs;
	readonly timeOfEvent: EpochMs;
	/** For sensor faults: which sensor; undefined: drawn by the machine's seed. */
	readonly sensor?: string;
}

interface ActiveFault extends PlannedFault {
	readonly law: GrowthLawId;
	readonly affectedSensors: readonly string[];
	/** Index into the class's faults; -1 for a sensor fault. */
	readonly physical: number;
	/** Index of the sensor hit; -1 for the whole message or for a physical fault. */
	readonly sensorIndex: number;
	stuckAt: number;
}

/** Machines have run this long before the first step, so that they start warm. */
const WARM_UP_SECONDS = 1500;
const WARM_UP_STEP_SECONDS = 2;
const DAY_MS = 86_400_000;

export interface MachineSettings {
	readonly machineClass: MachineClass;
	readonly path: AssetPath;
	readonly index: number;
	readonly seed: number;
	readonly faults: readonly PlannedFault[];
	readonly startTime: EpochMs;
	readonly stepMs: number;
	readonly dutyScale: number;
}

export class SimulatedMachine {
	readonly machineId: string;
	/** MQTT topic of the live messages; equal to the machine id. */
	readonly topic: string;
	readonly index: number;
	readonly machineClass: MachineClass;
	readonly path: AssetPath;
	private readonly duty: DutySchedule;
	private readonly body: MachineBody;
	private readonly random: RandomStream;
	private readonly faults: ActiveFault[];
	private readonly severity: Float64Array;
	private readonly values: Float64Array;
	private readonly noiseKeys: readonly number[];
	private readonly inverseResolution: readonly number[];
	private readonly substeps: number;
	private readonly substepSeconds: number;
	private stepNumber = 0;
	private time: EpochMs;

	constructor(settings: MachineSettings) {
		const { machineClass, seed } = settings;
		this.machineClass = machineClass;
		this.path = settings.path;
		this.index = settings.index;
		this.machineId = machineIdOf(settings.path);
		this.topic = this.machineId;
		this.duty = new DutySchedule(machineClass, hash(seed, 1), settings.dutyScale);
		this.random = new RandomStream(hash(seed, 2));
		let individual = 0;
		this.body = machineClass.createBody((spread) => 1 + spread * bellOf(hash(seed, 3), individual++));
		this.severity = new Float64Array(machineClass.faults.length);
		this.values = new Float64Array(machineClass.sensors.length);
		this.noiseKeys = machineClass.sensors.map((_, i) => hash(seed, 100 + i));
		this.inverseResolution = machineClass.sensors.map((sensor) => Math.round(1 / sensor.resolution));
		this.faults = settings.faults.map((fault, i) => this.activate(fault, hash(seed, 500 + i)));
		const stepSeconds = settings.stepMs / 1000;
		this.substeps = Math.max(1, Math.ceil(stepSeconds / machineClass.maxStepSeconds));
		this.substepSeconds = stepSeconds / this.substeps;
		this.time = settings.startTime - WARM_UP_SECONDS * 1000;
		for (let s = 0; s < WARM_UP_SECONDS; s += WARM_UP_STEP_SECONDS)
			this.move(this.time + WARM_UP_STEP_SECONDS * 1000, 1, WARM_UP_STEP_SECONDS);
	}

	/** Mode the machine is in, as its messages name it. */
	get mode(): string {
		return this.machineClass.modes[this.body.phase?.() ?? this.duty.state.mode]!.id;
	}

	/** Second of its stroke for a machine that makes strokes, otherwise 0. */
	get stage(): number {
		return this.body.stage?.() ?? 0;
	}

	/** Moves the machine to `time`, one step on. */
	advance(time: EpochMs): void {
		this.stepNumber++;
		this.move(time, this.substeps, this.substepSeconds);
	}

	/** The message of the present step; undefined when the link drops it. Units and names as in the class's sensors. */
	read(): Record<string, unknown> | undefined {
		if (this.faults.some((fault) => fault.fault === 'link-dropout' && this.isLost(fault))) return undefined;
		const payload: Record<string, unknown> = { ts: this.time };
		const { sensors } = this.machineClass;
		this.body.measure(this.values);
		for (let i = 0; i < sensors.length; i++) {
			const value = this.sent(i, sensors[i]!);
			if (value !== undefined) payload[sensors[i]!.name] = value;
		}
		payload.mode = this.mode;
		return payload;
	}

	/**
	 * What the accelerometer on the drive end records now, to be made when it is called for (some 10 ms); undefined without one, or
	 * while the shaft stands.
	 */
	waveform(): (() => Record<string, unknown>) | undefined {
		const kind = waveformClasses[this.machineClass.id];
		if (!kind) return undefined;
		this.body.measure(this.values);
		const rpm = this.values[this.machineClass.sensors.findIndex(({ name }) => name === kind.speedSensor)]!;
		if (!(rpm > 60)) return undefined;
		const severity = this.severity.slice();
		const { time, machineClass } = this;
		const seed = hash(this.noiseKeys[0]!, this.stepNumber);
		const severityOf = (fault: string) => severity[machineClass.faults.findIndex(({ id }) => id === fault)] ?? 0;
		return () => ({
			ts: time,
			sampleRate: waveformSampleRateHz,
			unit: 'm/s2',
			rpm: Math.round(rpm * 10) / 10,
			samples: Array.from(
				synthesise(machineClass.id, rpm / 60, severityOf, seed),
				(value) => Math.round(value * 1000) / 1000 + 0
			)
		});
	}

	/** Every fault planned for this machine, with its severity now (0 before onset). */
	truth(): FaultTruth[] {
		return this.faults.map((fault) => ({
			machineId: this.machineId,
			fault: fault.fault,
			onset: fault.onset,
			detectableFrom: Math.round(fault.onset + (fault.timeOfEvent - fault.onset) * shareAtSeverity(fault.law, 0.1)),
			timeOfEvent: fault.timeOfEvent,
			affectedSensors: fault.affectedSensors,
			severity: this.severityOf(fault),
			at: this.time
		}));
	}

	private move(time: EpochMs, substeps: number, seconds: number): void {
		this.time = time;
		for (const fault of this.faults)
			if (fault.physical >= 0)
				this.severity[fault.physical] = Math.max(
					this.severityOf(fault),
					this.faults.length > 1 ? this.strongestOther(fault) : 0
				);
		// the room is coolest at five in the morning (UTC), warmest at five in the afternoon
		const ambient = 21 - 2.5 * Math.cos((2 * Math.PI * (time - 5 * 3_600_000)) / DAY_MS);
		for (let i = 0; i < substeps; i++) {
			this.duty.advance(seconds);
			this.body.advance(seconds, this.duty.state, this.severity, ambient, this.random);
		}
		for (const fault of this.faults)
			if (fault.fault === 'sensor-stuck' && Number.isNaN(fault.stuckAt) && this.severityOf(fault) >= STUCK_FROM) {
				this.body.measure(this.values);
				fault.stuckAt = this.measured(fault.sensorIndex, this.machineClass.sensors[fault.sensorIndex]!);
			}
	}

	/** Severity of other plans of the same fault on this machine, so that two plans never hide each other. */
	private strongestOther(fault: ActiveFault): number {
		let strongest = 0;
		for (const other of this.faults)
			if (other !== fault && other.physical === fault.physical) strongest = Math.max(strongest, this.severityOf(other));
		return strongest;
	}

	private severityOf(fault: ActiveFault): number {
		return severityAt(fault.law, fault.onset, fault.timeOfEvent, this.time);
	}

	/** What the transmitter of sensor `i` sends; undefined when its value is missing. */
	private sent(i: number, sensor: SensorSpec): number | undefined {
		let drift = 0;
		for (const fault of this.faults) {
			if (fault.sensorIndex !== i) continue;
			if (fault.fault === 'sensor-dropout' && this.isLost(fault)) return undefined;
			if (fault.fault === 'sensor-stuck' && !Number.isNaN(fault.stuckAt)) return fault.stuckAt;
			if (fault.fault === 'sensor-drift')
				drift += this.severityOf(fault) * (0.15 * Math.abs(sensor.typical) + 10 * sensor.noise);
		}
		return this.measured(i, sensor, drift);
	}

	/** True value plus offset and noise, saturated, rounded to the transmitter's resolution. */
	private measured(i: number, sensor: SensorSpec, offset = 0): number {
		const noisy = this.values[i]! + offset + sensor.noise * bellOf(this.noiseKeys[i]!, this.stepNumber);
		const [low, high] = sensor.validRange;
		const inverse = this.inverseResolution[i]!;
		// "+ 0" turns -0 into 0
		return Math.round(Math.min(high, Math.max(low, noisy)) * inverse) / inverse + 0;
	}

	/** Losses come in bursts of `BURST_STEPS`, each lost with a chance that grows with severity. */
	private isLost(fault: ActiveFault): boolean {
		const burst = Math.floor(this.stepNumber / BURST_STEPS);
		return uniformOf(hash(this.noiseKeys[0]!, 77 + fault.sensorIndex), burst) < LOST_SHARE * this.severityOf(fault);
	}

	private activate(planned: PlannedFault, seed: number): ActiveFault {
		const { faults, sensors, id } = this.machineClass;
		const physical = faults.findIndex((mode) => mode.id === planned.fault);
		const sensorFault = sensorFaultModes.find((mode) => mode.id === planned.fault);
		if (physical < 0 && !sensorFault)
			throw new MillwrightError('invalid-input', `A machine of class "${id}" has no fault "${planned.fault}"`, {
				machineClass: id,
				known: [...faults, ...sensorFaultModes].map((mode) => mode.id)
			});
		if (physical >= 0) {
			const mode = faults[physical]!;
			const affectedSensors = Object.entries(mode.effects)
				.sort(([, a], [, b]) => b - a)
				.map(([name]) => name);
			return { ...planned, law: mode.law, affectedSensors, physical, sensorIndex: -1, stuckAt: NaN };
		}
		const whole = planned.fault === 'link-dropout';
		const named = sensors.findIndex((sensor) => sensor.name === planned.sensor);
		if (planned.sensor !== undefined && named < 0)
			throw new MillwrightError('invalid-input', `A machine of class "${id}" has no sensor "${planned.sensor}"`, {
				machineClass: id,
				known: sensors.map((sensor) => sensor.name)
			});
		const sensorIndex = whole ? -1 : named >= 0 ? named : Math.floor(uniformOf(seed, 0) * sensors.length);
		const affectedSensors = whole ? sensors.map((sensor) => sensor.name) : [sensors[sensorIndex]!.name];
		return { ...planned, law: sensorFault!.law, affectedSensors, physical: -1, sensorIndex, stuckAt: NaN };
	}
}
