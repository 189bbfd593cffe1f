/**
 * Simulator: a plant of machines on one clock.
 *
 * In: how many machines, seed, scenario, start, step. Out: per step the MQTT messages the machines would send, and the truth
 * about their faults. Deterministic: the same configuration gives the same messages bit for bit, however steps are grouped.
 */
import {
	MillwrightError,
	machineClassIds,
	type EpochMs,
	type FaultTruth,
	type MachineClassId
} from '../src/lib/contracts';
import { SimulatedMachine, type PlannedFault } from './machine';
import { machineClasses } from './machines';
import { hash } from './random';
import { waveformChannel, waveformClasses } from './waveforms';
import { classOrder, findScenario, NOMINAL_MINUTES, planScenario, type ScenarioFault } from './scenarios';

export interface PlantConfig {
	readonly machines: number;
	readonly seed: number;
	/** Id of a scenario, or the scenario itself as data. */
	readonly scenario: string | readonly ScenarioFault[];
	/** The first step is `stepMs` later. */
	readonly startTime: EpochMs;
	readonly stepMs: number;
	/** When scenario times are counted from; default `startTime`. A page with history passes the moment it goes live. */
	readonly liveFrom?: EpochMs;
	/** Stretches scenario times, written for one hour, to this length. Default one hour. */
	readonly horizonMs?: number;
	/** Stretches the duty schedule; 1 (default) is stretches of minutes, 60 of hours. */
	readonly dutyScale?: number;
	/** Only machines of these classes, in turn. Default: all, those the scenario concerns first. */
	readonly classes?: readonly MachineClassId[];
	/**
	 * Machines with an accelerometer publish a waveform this often; before `liveFrom` every `historyEveryMs`, and with `historyLater` not
	 * by `step` but by `laterWaveform`. Default: none.
	 */
	readonly waveforms?: {
		readonly everyMs: number;
		readonly historyEveryMs?: number;
		readonly historyLater?: boolean;
	};
	/** First level of the topics. Default "rotterdam". */
	readonly plantName?: string;
}

export interface SimulatedMessage {
	readonly topic: string;
	readonly payload: Record<string, unknown>;
	readonly retain: boolean;
}

export interface SimulatedPlant {
	readonly machines: readonly SimulatedMachine[];
	/** Time of the newest step. */
	readonly time: EpochMs;
	/** Advances one step; one message per machine that is not in dropout. */
	step(): SimulatedMessage[];
	/** With `historyLater`: the oldest waveform that `step` left out; undefined when there is none. Each machine's come in order. */
	laterWaveform(): SimulatedMessage | undefined;
	/** Advances `steps` steps without making messages: much cheaper, and leaves the same plant behind. */
	fastForward(steps: number): void;
	/** Every planned fault, also of machines whose fault is still to begin (severity 0). */
	groundTruth(): FaultTruth[];
	/** Retained descriptions of the machines, topic `<machine>/_meta`. */
	meta(): SimulatedMessage[];
}

/** Machines of one class that share a line. */
const PER_LINE = 8;
const MINUTE_MS = 60_000;

/**
 * Builds a plant, warmed up and ready to step.
 * @throws MillwrightError `invalid-input` for an unknown scenario, class or fault, or numbers out of range.
 */
export function createPlant(config: PlantConfig): SimulatedPlant {
	validate(config);
	const { scenario, startTime, stepMs, seed } = config;
	const order = config.classes ?? (typeof scenario === 'string' ? classOrder(scenario) : machineClassIds);
	const classes = Array.from({ length: config.machines }, (_, i) => order[i % order.length]!);
	const lines = typeof scenario === 'string' ? planScenario(scenario, classes, seed) : scenario;
	const planned = placeFaults(lines, classes, config);
	const counts = new Map<MachineClassId, number>();
	const machines = classes.map((id, index) => {
		const nth = counts.get(id) ?? 0;
		counts.set(id, nth + 1);
		const machineClass = machineClasses.find((c) => c.id === id)!;
		const { area, line, prefix } = machineClass.place;
		const lineNumber = Math.floor(nth / PER_LINE) + 1;
		return new SimulatedMachine({
			machineClass,
			path: {
				plant: config.plantName ?? 'rotterdam',
				area,
				line: lineNumber === 1 ? line : `${line}-${lineNumber}`,
				machine: `${prefix}-${String(nth + 1).padStart(2, '0')}`
			},
			index,
			seed: hash(seed >>> 0, index + 1),
			faults: planned[index]!,
			startTime,
			stepMs,
			dutyScale: config.dutyScale ?? 1
		});
	});
	let time = startTime;
	const later: (() => SimulatedMessage)[] = [];
	const tick = () => {
		time += stepMs;
		for (const machine of machines) machine.advance(time);
	};

	const waveformDue = (index: number) => {
		if (!config.waveforms) return false;
		const { everyMs, historyEveryMs = everyMs } = config.waveforms;
		const every = time <= (config.liveFrom ?? startTime) ? historyEveryMs : everyMs;
		// Spread over the interval, so that not all machines send at once.
		const offset = hash(seed >>> 0, 900 + index) % every;
		return Math.floor((time + offset) / every) !== Math.floor((time - stepMs + offset) / every);
	};

	return {
		machines,
		get time() {
			return time;
		},
		step() {
			tick();
			const messages: SimulatedMessage[] = [];
			for (const machine of machines) {
				const payload = machine.read();
				if (payload) messages.push({ topic: machine.topic, payload, retain: false });
				const waveform = payload && waveformDue(machine.index) ? machine.waveform() : undefined;
				if (!waveform) continue;
				const topic = `${machine.topic}/waveform/${waveformChannel}`;
				const make = () => ({ topic, payload: waveform(), retain: false });
				const waits = config.waveforms?.historyLater && time <= (config.liveFrom ?? startTime);
				// Behind those that wait, so that they stay in order.
				if (waits || later.length > 0) later.push(make);
				else messages.push(make());
			}
			return messages;
		},
		laterWaveform: () => later.shift()?.(),
		fastForward(steps) {
			for (let i = 0; i < steps; i++) tick();
		},
		groundTruth: () => machines.flatMap((machine) => machine.truth()),
		meta: () => machines.map(describeMachine)
	};
}

function describeMachine(machine: SimulatedMachine): SimulatedMessage {
	const { id, title, sensors, modes, vibrationZones } = machine.machineClass;
	return {
		topic: `${machine.topic}/_meta`,
		retain: true,
		payload: {
			machineClass: id,
			title,
			sensors: Object.fromEntries(
				sensors.map(({ name, unit, kind, resolution, validRange }) => [
					name,
					{ unit, kind, resolution, range: [...validRange] }
				])
			),
			modes: modes.map((mode) => ({ id: mode.id, title: mode.title, running: mode.running })),
			...waveformClasses[id]?.declared,
			vibrationZones: { limits: [...vibrationZones.limits], basis: vibrationZones.basis }
		}
	};
}

function validate(config: PlantConfig): void {
	const refuse = (message: string) => {
		throw new MillwrightError('invalid-input', message, { config });
	};
	if (!Number.isInteger(config.machines) || config.machines < 1 || config.machines > 10_000)
		refuse(`machines must be a whole number from 1 to 10000, not ${config.machines}`);
	if (!Number.isInteger(config.seed)) refuse(`seed must be a whole number, not ${config.seed}`);
	if (!Number.isFinite(config.startTime)) refuse(`startTime must be a time, not ${config.startTime}`);
	if (!(config.stepMs >= 10 && config.stepMs <= 3_600_000))
		refuse(`stepMs must lie between 10 and 3600000, not ${config.stepMs}`);
	if (config.horizonMs !== undefined && !(config.horizonMs > 0)) refuse(`horizonMs must be above 0`);
	if (config.dutyScale !== undefined && !(config.dutyScale > 0)) refuse(`dutyScale must be above 0`);
	if (config.classes?.length === 0) refuse('classes must name at least one class');
	for (const id of config.classes ?? [])
		if (!machineClassIds.includes(id))
			refuse(`There is no machine class "${id}"; there is ${machineClassIds.join(', ')}`);
	if (typeof config.scenario === 'string') findScenario(config.scenario);
}

/** Turns scenario lines into faults per machine; lines for machines the plant does not have are left out. */
function placeFaults(
	lines: readonly ScenarioFault[],
	classes: readonly MachineClassId[],
	config: PlantConfig
): PlannedFault[][] {
	const planned: PlannedFault[][] = classes.map(() => []);
	const minute = (config.horizonMs ?? NOMINAL_MINUTES * MINUTE_MS) / NOMINAL_MINUTES;
	const from = config.liveFrom ?? config.startTime;
	for (const line of lines) {
		const wanted = line.machine;
		let index = -1;
		if (typeof wanted === 'number') index = wanted;
		else
			for (let i = 0, left = wanted.nth; i < classes.length; i++)
				if (classes[i] === wanted.machineClass && left-- === 0) {
					index = i;
					break;
				}
		const onset = Math.round(from + line.onset * minute);
		planned[index]?.push({
			fault: line.fault,
			sensor: line.sensor,
			onset,
			timeOfEvent: Math.round(onset + line.growth * minute)
		});
	}
	return planned;
}
