/**
 * Training: sizes chosen by the data at hand, so that nobody has to.
 *
 * In: rows of normal running. Out: network size, window length, stride, epochs and batch.
 */
export interface TrainingPlan {
	readonly units: readonly number[];
	readonly windowSteps: number;
	readonly stride: number;
	readonly copies: number;
	readonly batchSize: number;
	readonly learningRate: number;
	/** Share of the rows, the last ones, kept for validation and calibration. */
	readonly holdOut: number;
}

/** Below this many rows training is refused. */
export const minimumTrainingRows = 240;
/** More windows than this teach little more and take long on a tablet. */
const mostWindows = 2400;
/** With fewer, each is shown several times with different faults. */
const fewestWindows = 1200;

export function planTraining(rows: number): TrainingPlan {
	const small = rows < 1000;
	const medium = !small && rows < 8000;
	const windowSteps = small ? 32 : 48;
	const stride = Math.max(small ? 3 : 12, Math.ceil((rows * 0.7) / mostWindows));
	return {
		units: small ? [24] : medium ? [32, 16] : [48, 24],
		windowSteps,
		stride,
		copies: Math.max(1, Math.min(6, Math.round((fewestWindows * stride) / (rows * 0.7)))),
		batchSize: small ? 16 : 32,
		learningRate: 4e-3,
		holdOut: 0.3
	};
}
