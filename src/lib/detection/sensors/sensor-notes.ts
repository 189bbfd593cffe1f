/**
 * State Detection: sensors that are themselves the finding: no longer moving, no longer sent.
 *
 * In: a machine's rows as they were sent. Out: notes with a score, 1 and more when a value repeats far longer than it ever did, or is missing
 * for longer than it normally is.
 */
import type { Calibration } from '../../contracts';
import { heardAgain, silentRows } from './silence';

export interface SensorNote {
	readonly sensor: number;
	readonly note: 'stuck' | 'silent';
	readonly score: number;
}

/** No sensor alone is worse than this. */
const highest = 3;

export class SensorNotes {
	private readonly runs: Uint32Array;
	private readonly silent: Float32Array;
	private readonly heard: Uint8Array;
	private readonly last: Float32Array;

	constructor(
		private readonly calibration: Pick<Calibration, 'longestRun' | 'rows' | 'silence'>,
		private readonly sensors: number
	) {
		this.runs = new Uint32Array(sensors);
		this.silent = new Float32Array(sensors);
		this.heard = new Uint8Array(sensors);
		this.last = new Float32Array(sensors).fill(Number.NaN);
	}

	/** `values`: [sensors], own units, NaN where nothing was sent. */
	take(values: ArrayLike<number>): void {
		const { silence } = this.calibration;
		// A row without any value is a matter of the link, not of a sensor.
		const nothing = Array.prototype.every.call(values, Number.isNaN);
		for (let i = 0; i < this.sensors; i++) {
			const value = values[i]!;
			if (Number.isNaN(value)) {
				if (!nothing) this.silent[i] = Math.min(highest * this.limitOf(i), this.silent[i]! + 1);
				this.runs[i] = 0;
			} else {
				this.silent[i] = Math.max(0, this.silent[i]! - (silence?.recoveryPerRow[i] ?? heardAgain));
				this.heard[i] = 1;
				this.runs[i] = value === this.last[i] ? this.runs[i]! + 1 : 1;
			}
			this.last[i] = value;
		}
	}

	/** Sensors that have sent nothing since the last gap. */
	get neverHeard(): number {
		return this.heard.reduce((count, heard) => count + (heard === 0 ? 1 : 0), 0);
	}

	/** A machine that stands or starts: its values may well repeat. */
	forgetRuns(): void {
		this.runs.fill(0);
	}

	/** After a gap. */
	forget(): void {
		this.runs.fill(0);
		this.silent.fill(0);
		this.heard.fill(0);
	}

	notes(): SensorNote[] {
		const notes: SensorNote[] = [];
		const { longestRun, rows } = this.calibration;
		for (let i = 0; i < this.sensors; i++) {
			const limitRows = this.limitOf(i);
			if (this.silent[i]! >= limitRows / 6)
				notes.push({ sensor: i, note: 'silent', score: Math.min(highest, this.silent[i]! / limitRows) });
			const longest = longestRun?.[i];
			if (longest === undefined || longest === null) continue;
			// Little data shows few runs: ask for more before calling a sensor stuck.
			const limit = Math.max(60, longest * ((rows ?? 0) > 2000 ? 4 : 8));
			if (this.runs[i]! > limit / 2)
				notes.push({ sensor: i, note: 'stuck', score: Math.min(highest, this.runs[i]! / limit) });
		}
		return notes;
	}

	private limitOf(sensor: number): number {
		return this.calibration.silence?.limitRows[sensor] ?? silentRows;
	}
}
