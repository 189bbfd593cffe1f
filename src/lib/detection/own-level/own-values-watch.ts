/**
 * State Detection: a machine's values against its own level, by what the other sensors say.
 *
 * In: scaled rows. Out: as of residuals (`OwnLevelWatch`), without a network: that sees each sensor and goes along with what creeps.
 */
import type { OwnLevelCalibration } from '../../contracts';
import { MiddleOfFive } from '../residuals/middle-of-five';
import type { OwnLevel } from './own-level';
import { OwnLevelWatch, type OwnLevelFinding } from './own-level-watch';

/** Further out, scaled, a value says no more: what a network gets ends there too. */
const valueClip = 8;

/** What is watched, in live judging as in learning: a row without its spikes, kept within bounds. */
export class SpikeFreeRow {
	/** [sensors], scaled. */
	readonly values: Float64Array;
	private readonly middle: MiddleOfFive;

	constructor(sensors: number) {
		this.values = new Float64Array(sensors);
		this.middle = new MiddleOfFive(sensors);
	}

	/** Gives `values`: the same array each time. */
	take(scaled: ArrayLike<number>): Float64Array {
		const { middle, values } = this;
		middle.take(scaled);
		for (let i = 0; i < values.length; i++) values[i] = Math.max(-valueClip, Math.min(valueClip, middle.of(i)));
		return values;
	}

	/** After a gap. */
	reset(): void {
		this.middle.reset();
	}
}

export class OwnValuesWatch {
	private readonly watch: OwnLevelWatch;
	private readonly row: SpikeFreeRow;

	constructor(calibration: OwnLevelCalibration, sensors: number) {
		this.watch = new OwnLevelWatch(calibration, sensors);
		this.row = new SpikeFreeRow(sensors);
	}

	get known(): OwnLevel | undefined {
		return this.watch.known;
	}

	recall(known: OwnLevel): void {
		this.watch.recall(known);
	}

	forget(): void {
		this.watch.forget();
		this.row.reset();
	}

	reset(): void {
		this.watch.reset();
	}

	/** Each row, scaled, before it is known whether it counts. */
	notice(scaled: ArrayLike<number>): void {
		this.watch.notice(this.row.take(scaled));
	}

	/** The row last noticed counts. `follow`: the level takes it in. */
	update(follow: boolean): void {
		const { values } = this.row;
		this.watch.update(values, values, follow);
	}

	/** As `OwnLevelWatch`'s; `off` and `band` are scaled. */
	judge(running: number): OwnLevelFinding | undefined {
		return this.watch.judge(running);
	}
}
