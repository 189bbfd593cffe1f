/**
 * State Detection: one member's opinion of one machine.
 *
 * In: its residual rows. Out: a score that is 1 where normal running does not reach: the largest Mahalanobis distance of the moving
 * means from the level, each over its threshold. While a fault stands the level is held and the normal range widens as it may drift.
 */
import type { WatchCalibration } from '../../contracts';
import { MovingLevel } from './moving-level';
import { dot, invert, multiply, quadraticForm } from './symmetric-matrix';

/** Rows between two new inverses while the normal range widens. */
const renewEvery = 5;
/** Rows of drift that may lie between training and the first row judged. */
const startRows = 400;
/** The window that says how an anomaly stands, and the shorter one that says whether it is over. */
const middleWindow = 1;
export const endWindow = 20;

export class ResidualWatch {
	/** 1 at the threshold; NaN before the longest window has filled once. */
	score = Number.NaN;
	private readonly sensors: number;
	private readonly moving: MovingLevel;
	private readonly restInverse: readonly Float64Array[];
	private inverse: readonly Float64Array[];
	private sinceRenewed = 0;
	private leading = middleWindow;
	private readonly difference: Float64Array;
	private readonly product: Float64Array;

	constructor(private readonly calibration: WatchCalibration) {
		this.sensors = calibration.level.length;
		this.moving = new MovingLevel(
			[...calibration.windows, endWindow],
			calibration,
			calibration.level,
			calibration.levelVariance.map((variance, i) => variance + startRows * calibration.diffusion[i]!)
		);
		this.restInverse = calibration.covariance.map((matrix) => invert(matrix, this.sensors));
		this.inverse = this.restInverse;
		this.difference = new Float64Array(this.sensors);
		this.product = new Float64Array(this.sensors);
	}

	forgetRows(): void {
		this.moving.forgetRows();
		this.score = Number.NaN;
	}

	/** Level that sensors are compared with. */
	get level(): Float64Array {
		return this.moving.level;
	}

	/** Mean of the newest rows, [sensors]. */
	get mean(): Float64Array {
		return this.moving.means[middleWindow]!;
	}

	/** Half-width of the normal range of one sensor's moving mean by itself. */
	band(sensor: number): number {
		const variance = this.calibration.covariance[middleWindow]![sensor * (this.sensors + 1)]!;
		return this.calibration.thresholds[middleWindow]! * Math.sqrt(variance);
	}

	take(row: ArrayLike<number>): void {
		this.moving.take(row);
		if (this.moving.rows < this.calibration.windows.at(-1)!) return;
		this.score = 0;
		for (let w = 0; w < this.calibration.windows.length; w++) {
			const distance = Math.sqrt(quadraticForm(this.inverse[w]!, this.from(w))) / this.calibration.thresholds[w]!;
			if (distance <= this.score) continue;
			this.score = distance;
			this.leading = w;
		}
	}

	/** Ends the row: the level follows, or is held. */
	pass(follow: boolean): void {
		this.moving.pass(follow);
		if (++this.sinceRenewed < renewEvery) return;
		this.sinceRenewed = 0;
		this.inverse = this.widened();
	}

	/** [sensors]: where the moving mean stands, relative to the level. */
	deviation(): Float64Array {
		return Float64Array.from(this.from(middleWindow));
	}

	/** How far the newest rows still lie along a deviation: 1 as far, 0 back at the level. */
	remaining(deviation: Float64Array): number {
		multiply(this.inverse[middleWindow]!, deviation, this.product);
		const size = dot(this.product, deviation);
		return size <= 0 ? 0 : dot(this.product, this.from(this.calibration.windows.length)) / size;
	}

	/** Each sensor's part of the squared distance of the leading window, [sensors]; what others explain counts as none. */
	contributions(): Float64Array {
		const difference = this.from(this.leading);
		multiply(this.inverse[this.leading]!, difference, this.product);
		return difference.map((value, i) => Math.max(0, value * this.product[i]!));
	}

	private from(window: number): Float64Array {
		const mean = this.moving.means[window]!;
		for (let i = 0; i < this.sensors; i++) this.difference[i] = mean[i]! - this.moving.level[i]!;
		return this.difference;
	}

	/** The inverse covariances with what the level may have drifted since it was last followed. */
	private widened(): readonly Float64Array[] {
		const { covariance, levelVariance } = this.calibration;
		const growth = this.moving.variance.map((value, i) => Math.max(0, value - levelVariance[i]!));
		if (growth.every((value, i) => value < 0.02 * covariance[middleWindow]![i * (this.sensors + 1)]!))
			return this.restInverse;
		return covariance.map((rest) => {
			const matrix = Float64Array.from(rest);
			for (let i = 0; i < this.sensors; i++) matrix[i * (this.sensors + 1)]! += growth[i]!;
			return invert(matrix, this.sensors);
		});
	}
}
