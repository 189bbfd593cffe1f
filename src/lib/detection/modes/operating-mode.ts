/**
 * State Detection: is the machine stopped, starting, changing its operating point, or running.
 *
 * In: rows in own and in scaled units. Out: the mode, and whether residuals may be judged now: start-up, a product change and
 * a stop are no anomalies. Judging is held off for at most two minutes of steps, so that a fault cannot hide behind unrest.
 */
import type { Calibration } from '../../contracts';

export type OperatingMode = 'off' | 'start-up' | 'changing' | 'running';

export const jumpSpan = 5;
/** Rows after a jump during which residuals are not judged. */
export const holdOffSteps = 25;
/** Rows after a start during which residuals are not judged. */
export const startUpSteps = 90;
/** Longest unbroken hold-off, in rows. */
export const longestHoldOff = 120;
/** Rows in a row without load after which a machine has stopped: one or two are a sample missed, or the noise of a current. They are not judged. */
export const surelyStoppedRows = 3;

export class ModeDetector {
	mode: OperatingMode = 'running';
	private readonly recent: Float32Array;
	private seen = 0;
	private sinceStart = Number.POSITIVE_INFINITY;
	private sinceJump = Number.POSITIVE_INFINITY;
	private held = 0;
	private rowsWithoutLoad = 0;

	constructor(
		private readonly calibration: Pick<Calibration, 'stoppedBelow' | 'jumpLimit'>,
		private readonly sensors: number
	) {
		this.recent = new Float32Array(sensors * jumpSpan);
	}

	reset(): void {
		this.rowsWithoutLoad = 0;
		this.seen = 0;
		this.sinceJump = Number.POSITIVE_INFINITY;
		this.held = 0;
	}

	/** Takes one row; true when its residuals may be judged. */
	observe(own: ArrayLike<number>, scaled: ArrayLike<number>): boolean {
		const jumped = this.jumped(scaled);
		this.rowsWithoutLoad = isStopped(this.calibration.stoppedBelow, own) ? this.rowsWithoutLoad + 1 : 0;
		if (this.rowsWithoutLoad > 0) {
			if (this.rowsWithoutLoad < surelyStoppedRows && this.mode !== 'off') return false;
			this.mode = 'off';
			this.sinceStart = 0;
			this.held = 0;
			return false;
		}
		this.sinceStart++;
		this.sinceJump = jumped ? 0 : this.sinceJump + 1;
		if (this.sinceStart <= startUpSteps) {
			this.mode = 'start-up';
			return false;
		}
		const unsettled = this.sinceJump < holdOffSteps;
		this.held = unsettled ? this.held + 1 : 0;
		this.mode = unsettled ? 'changing' : 'running';
		return !unsettled || this.held > longestHoldOff;
	}

	private jumped(scaled: ArrayLike<number>): boolean {
		const slot = (this.seen % jumpSpan) * this.sensors;
		let jumped = false;
		for (let i = 0; i < this.sensors; i++) {
			const limit = this.calibration.jumpLimit?.[i];
			if (limit !== undefined && this.seen >= jumpSpan && Math.abs(scaled[i]! - this.recent[slot + i]!) > limit)
				jumped = true;
			this.recent[slot + i] = scaled[i]!;
		}
		this.seen++;
		return jumped;
	}
}

/** True when every load sensor that is known now is below its level (and at least one is known). */
export function isStopped(levels: Calibration['stoppedBelow'], own: ArrayLike<number>): boolean {
	let known = 0;
	for (let i = 0; i < (levels?.length ?? 0); i++) {
		const level = levels![i];
		if (level === null || level === undefined || Number.isNaN(own[i]!)) continue;
		if (Math.abs(own[i]!) >= level) return false;
		known++;
	}
	return known > 0;
}
