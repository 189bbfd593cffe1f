/**
 * Data Manipulation: one machine's readings to rows on a fixed clock.
 *
 * In: readings of its sensors, roughly in time order. Out: one row per step with every sensor's last good value (held up to
 * a limit), each marked where the stream broke. Training and live scoring use this same code, so they cannot drift apart.
 */
import { Quality, type EpochMs } from '../contracts';

/** One row on the machine's clock, in the sensors' own units; NaN where nothing good is known. */
export interface AlignedRow {
	readonly time: EpochMs;
	readonly values: Float32Array;
	/** True for the first row and after a gap too long to bridge: carried state must be forgotten. */
	readonly breakBefore: boolean;
}

export interface ResamplerOptions {
	/** Column order of the rows. */
	readonly sensorNames: readonly string[];
	readonly stepMs: number;
	/** Offset of the clock, milliseconds in [0, stepMs); default: from the first reading. */
	readonly phase?: number;
	/** Steps a value is held after its last reading; beyond it the column is NaN. Default 3. */
	readonly holdSteps?: number;
	/** Steps without any reading beyond which the stream breaks. Default 5. */
	readonly gapSteps?: number;
}

export class Resampler {
	readonly sensorNames: readonly string[];
	readonly stepMs: number;
	private readonly holdSteps: number;
	private readonly gapSteps: number;
	private phaseMs: number | undefined;
	private readonly index: Map<string, number>;
	private readonly held: Float64Array;
	private readonly heldSlot: Float64Array;
	/** Values of the slot being filled; NaN where not heard yet. */
	private readonly filling: Float64Array;
	private fillingSlot = Number.NaN;
	private filled = 0;
	private lastEmitted = Number.NEGATIVE_INFINITY;
	private started = false;
	private ready: AlignedRow[] = [];

	constructor(options: ResamplerOptions) {
		this.sensorNames = options.sensorNames;
		this.stepMs = options.stepMs;
		this.holdSteps = options.holdSteps ?? 3;
		this.gapSteps = options.gapSteps ?? Math.max(5, this.holdSteps);
		this.phaseMs = options.phase;
		const count = options.sensorNames.length;
		this.index = new Map(options.sensorNames.map((name, at) => [name, at]));
		this.held = new Float64Array(count).fill(Number.NaN);
		this.heldSlot = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
		this.filling = new Float64Array(count).fill(Number.NaN);
	}

	/** Offset of the clock; undefined before the first reading. */
	get phase(): number | undefined {
		return this.phaseMs;
	}

	columnOf(sensorName: string): number | undefined {
		return this.index.get(sensorName);
	}

	/** Takes one reading. Only `good`, finite values count; those of a step already given out come too late and are left. */
	push(column: number, time: EpochMs, value: number, quality: number): void {
		if (quality !== Quality.good || !Number.isFinite(value)) return;
		this.phaseMs ??= ((time % this.stepMs) + this.stepMs) % this.stepMs;
		const slot = Math.round((time - this.phaseMs) / this.stepMs);
		if (slot <= this.lastEmitted) return;
		if (Number.isNaN(this.fillingSlot)) this.fillingSlot = slot;
		if (slot < this.fillingSlot) return;
		if (slot > this.fillingSlot) {
			this.emitFilling();
			this.bridge(slot);
			this.fillingSlot = slot;
		}
		if (Number.isNaN(this.filling[column]!)) this.filled++;
		this.filling[column] = value;
		// Complete: nothing is gained by waiting for the next step.
		if (this.filled === this.filling.length) this.emitFilling();
	}

	/** Rows finished since the last call, in time order. */
	take(): AlignedRow[] {
		const rows = this.ready;
		this.ready = [];
		return rows;
	}

	/** Gives out the step being filled if `now` is past its end (or at once, without `now`). */
	flush(now?: EpochMs): void {
		if (Number.isNaN(this.fillingSlot) || this.filled === 0) return;
		if (now !== undefined && now < this.timeOf(this.fillingSlot + 1)) return;
		this.emitFilling();
	}

	private timeOf(slot: number): EpochMs {
		return slot * this.stepMs + (this.phaseMs ?? 0);
	}

	private emitFilling(): void {
		if (this.filled === 0) return;
		const slot = this.fillingSlot;
		for (let i = 0; i < this.filling.length; i++) {
			const value = this.filling[i]!;
			if (Number.isNaN(value)) continue;
			this.held[i] = value;
			this.heldSlot[i] = slot;
			this.filling[i] = Number.NaN;
		}
		this.filled = 0;
		this.emit(slot);
	}

	/** Short silences are bridged with held values; a long one breaks the stream (at the next row). */
	private bridge(nextSlot: number): void {
		const missing = nextSlot - this.lastEmitted - 1;
		if (!this.started || missing <= 0 || missing > this.gapSteps) return;
		for (let slot = this.lastEmitted + 1; slot < nextSlot; slot++) this.emit(slot);
	}

	private emit(slot: number): void {
		const breakBefore = !this.started || slot - this.lastEmitted > 1;
		if (breakBefore)
			for (let i = 0; i < this.held.length; i++) if (this.heldSlot[i] !== slot) this.held[i] = Number.NaN;
		const values = new Float32Array(this.held.length);
		for (let i = 0; i < values.length; i++)
			values[i] = slot - this.heldSlot[i]! <= this.holdSteps ? this.held[i]! : Number.NaN;
		this.ready.push({ time: this.timeOf(slot), values, breakBefore });
		this.started = true;
		this.lastEmitted = slot;
	}
}
