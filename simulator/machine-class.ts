/**
 * Simulator: what a machine class declares - sensors, modes, inputs, faults - and the body that carries its physics.
 *
 * One file per class in `machines/`. Declarations are data, so that pages, tests and documentation read them; only the
 * body computes.
 */
import type { MachineClassId, SensorKind } from '../src/lib/contracts';
import type { GrowthLawId } from './growth';
import type { RandomStream } from './random';

export interface SensorSpec {
	readonly name: string;
	readonly unit: string;
	readonly kind: SensorKind;
	/** Step the transmitter rounds to. */
	readonly resolution: number;
	/** Standard deviation of the measurement noise, in `unit`. */
	readonly noise: number;
	/** What the transmitter can show; it saturates there. */
	readonly validRange: readonly [min: number, max: number];
	/** About what it shows at normal load. */
	readonly typical: number;
}

export interface ModeSpec {
	readonly id: string;
	readonly title: string;
	/** False when the shaft stands still by intention. */
	readonly running: boolean;
	/** Load set for a stretch of this mode, drawn evenly; what it means is the class's first input. */
	readonly load?: readonly [low: number, high: number];
	/** Length of a stretch in seconds, drawn evenly. Absent: a phase the machine enters by itself. */
	readonly seconds?: readonly [low: number, high: number];
	/** What may follow, with weights. */
	readonly next?: Readonly<Record<string, number>>;
}

export interface InputSpec {
	readonly name: string;
	readonly unit: string;
	readonly description: string;
}

export interface FaultMode {
	readonly id: string;
	readonly title: string;
	/** What happens inside the machine and how it spreads to the sensors. */
	readonly mechanism: string;
	readonly law: GrowthLawId;
	/** Where the mechanism is described. */
	readonly source: string;
	/**
	 * Change of each sensor that shows the fault, at severity 1, in units of that sensor's normal variation (its spread within
	 * a mode of a healthy machine). Measured by `measure-effects.ts`, which says how; tests hold the figures to it.
	 */
	readonly effects: Readonly<Record<string, number>>;
}

/** ISO 20816 / 10816 limits between zones A|B, B|C and C|D, mm/s RMS. */
export interface VibrationZones {
	readonly limits: readonly [ab: number, bc: number, cd: number];
	readonly basis: string;
}

export interface DutyState {
	/** Index into the class's `modes`. */
	mode: number;
	load: number;
	/** Seconds since the stretch began, and its length. */
	elapsed: number;
	length: number;
}

export interface MachineBody {
	/**
	 * Advances the physics by `seconds`.
	 * `severity[i]` is that of the class's `faults[i]`, 0-1; `ambient` in degrees Celsius.
	 */
	advance(
		seconds: number,
		duty: Readonly<DutyState>,
		severity: Float64Array,
		ambient: number,
		random: RandomStream
	): void;
	/** Writes the true value of every sensor, in the order of `sensors`. */
	measure(out: Float64Array): void;
	/** Index of the mode the machine is in, when finer than the duty's. */
	phase?(): number | undefined;
	/** Where in its cycle a machine with strokes is, so that like can be compared with like. */
	stage?(): number;
}

export interface MachineClass {
	readonly id: MachineClassId;
	readonly title: string;
	/** Where such machines stand, for topics. */
	readonly place: { readonly area: string; readonly line: string; readonly prefix: string };
	readonly sensors: readonly SensorSpec[];
	/** The first one that has `seconds` and is running is the one a plant starts in. */
	readonly modes: readonly ModeSpec[];
	readonly startMode: string;
	readonly inputs: readonly InputSpec[];
	readonly faults: readonly FaultMode[];
	readonly vibrationZones: VibrationZones;
	/** Longest step its physics may take; longer steps are divided. */
	readonly maxStepSeconds: number;
	/** `vary(spread)` gives this individual's factor around 1. */
	createBody(vary: (spread: number) => number): MachineBody;
}
