/**
 * Simulator physics: first-order lags and slow random wander, exact for any step length.
 */
import type { RandomStream } from '../random';

/** A first-order lag towards `target`: T' = (target - T) / tau, solved exactly over `seconds`. */
export class Lag {
	private cachedFor = -1;
	private keep = 0;
	constructor(
		public value: number,
		private readonly tauSeconds: number
	) {}

	advance(seconds: number, target: number): number {
		if (seconds !== this.cachedFor) {
			this.cachedFor = seconds;
			this.keep = Math.exp(-seconds / this.tauSeconds);
		}
		return (this.value = target + (this.value - target) * this.keep);
	}
}

/** A mean-reverting disturbance (Ornstein-Uhlenbeck) of standard deviation `spread`. */
export class Wander {
	value = 0;
	private cachedFor = -1;
	private keep = 0;
	private push = 0;
	constructor(
		private readonly spread: number,
		private readonly tauSeconds: number
	) {}

	advance(seconds: number, random: RandomStream): number {
		if (seconds !== this.cachedFor) {
			this.cachedFor = seconds;
			this.keep = Math.exp(-seconds / this.tauSeconds);
			this.push = this.spread * Math.sqrt(1 - this.keep * this.keep);
		}
		return (this.value = this.value * this.keep + this.push * random.bell());
	}
}

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothStep(low: number, high: number, x: number): number {
	const u = Math.min(1, Math.max(0, (x - low) / (high - low)));
	return u * u * (3 - 2 * u);
}
