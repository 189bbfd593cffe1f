/**
 * State Detection: one machine's prediction errors, smoothed.
 *
 * In: standardised residuals row by row. Out: per statistic the normalised value of each sensor. A median over the last five
 * rows and a clip come first, so that a spike cannot carry the smoothed value over its threshold.
 */
import type { ResidualStatistic } from '../../contracts';
import { MiddleOfFive } from './middle-of-five';

/** Far enough out that one sensor alone can carry any statistic over its threshold. */
export const biasClip = 25;
export const energyClip = 10;
export const defaultPower = 4;

/** What a statistic needs before it is calibrated. */
export type StatisticKind = Pick<ResidualStatistic, 'kind' | 'smoothing'>;

export class ResidualTracker {
	/** Smoothed values, one row per statistic: [statistics][sensors]. */
	readonly smoothed: Float64Array[];
	/** [sensors]: the newest residual of each sensor without its spikes. */
	readonly middle: Float64Array;
	private readonly spikeFree: MiddleOfFive;

	constructor(
		private readonly kinds: readonly StatisticKind[],
		private readonly sensors: number,
		/** Where smoothing starts: the normal mean of each statistic. */
		private readonly rest: readonly (readonly number[])[] = []
	) {
		this.spikeFree = new MiddleOfFive(sensors);
		this.middle = new Float64Array(sensors);
		this.smoothed = kinds.map(() => new Float64Array(sensors));
		this.reset();
	}

	reset(): void {
		this.spikeFree.reset();
		this.middle.fill(0);
		this.smoothed.forEach((values, k) => {
			for (let i = 0; i < this.sensors; i++)
				values[i] = this.rest[k]?.[i] ?? (this.kinds[k]!.kind === 'energy' ? 1 : 0);
		});
	}

	/** Takes one row of standardised residuals; NaN (nothing known) leaves that sensor as it is. */
	update(residuals: ArrayLike<number>): void {
		this.spikeFree.take(residuals);
		for (let i = 0; i < this.sensors; i++) {
			if (Number.isNaN(residuals[i]!)) continue;
			const middle = clip(this.spikeFree.of(i), biasClip);
			this.middle[i] = middle;
			const now = clip(residuals[i]!, energyClip);
			for (let k = 0; k < this.kinds.length; k++) {
				const { kind, smoothing } = this.kinds[k]!;
				const value = kind === 'bias' ? middle : now * now;
				this.smoothed[k]![i]! += smoothing * (value - this.smoothed[k]![i]!);
			}
		}
	}
}

function clip(value: number, limit: number): number {
	return Math.max(-limit, Math.min(limit, value));
}

/** Normalised distance of one sensor: how many normal deviations the smoothed statistic is from its normal mean. */
export function distanceOf(statistic: ResidualStatistic, sensor: number, smoothed: number): number {
	const distance = (smoothed - statistic.mean[sensor]!) / statistic.deviation[sensor]!;
	// Less unrest than usual is no fault.
	return statistic.kind === 'energy' ? Math.max(0, distance) : Math.abs(distance);
}

/** Power mean, of the fourth power where none is named: one sensor far off counts nearly as much as several, and noise in the others does not add up. */
export function combine(distances: ArrayLike<number>, power = defaultPower): number {
	let sum = 0;
	for (let i = 0; i < distances.length; i++) sum += distances[i]! ** power;
	return distances.length === 0 ? 0 : (sum / distances.length) ** (1 / power);
}
