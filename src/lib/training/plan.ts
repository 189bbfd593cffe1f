/**
 * Training: sizes chosen by the data at hand, so that nobody has to.
 *
 * In: rows of normal running. Out: network size, window length, stride, epochs and batch.
 */
import type { ReconstructorSpec } from '../contracts';

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

export interface ReconstructorPlan {
	readonly spec: ReconstructorSpec;
	readonly stride: number;
	readonly batchSize: number;
	readonly learningRate: number;
}

/** An autoencoder and a variational one, up to 100 rows through a latent of 16; less for less data and fewer sensors. */
export function planReconstructors(rows: number, features: number): ReconstructorPlan[] {
	const small = rows < 1000;
	const medium = !small && rows < 8000;
	const windowSteps = small ? 32 : medium ? 64 : 100;
	const size = {
		features,
		units: small ? 24 : medium ? 32 : 64,
		latent: Math.min(16, Math.max(2, Math.round(features / 2))),
		windowSteps,
		hopRows: windowSteps >> 3
	};
	const stride = Math.max(small ? 2 : 8, Math.ceil(rows / mostWindows));
	return (['lstm-autoencoder', 'lstm-vae'] as const).map((kind) => ({
		spec: { kind, ...size },
		stride,
		batchSize: small ? 16 : 32,
		learningRate: 4e-3
	}));
}
