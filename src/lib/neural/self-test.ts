/**
 * Neural: is a backend right, and how fast is it here? In: a loaded backend. Out: nothing when its answers agree with the plain
 * loops, an error that says by how much they differ when not (some GPUs compute wrongly); and measured rates.
 */
import { MillwrightError } from '../contracts/error';
import type { CalibrationEntry, NetworkSpec } from './engine';
import type { Chunk, Executor } from './executor';
import { initialWeights, joinWeights, planNetwork, type NetworkPlan } from './network-spec';
import { normalFrom } from './random';

/** Makes an executor for a plan on the backend under test, or on the plain loops. */
export type MakeExecutor = (plan: NetworkPlan) => Executor;

/** Odd sizes on purpose: tails of vectors and tiles are where kernels go wrong. */
const probe: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 37, returnSequences: true },
		{ kind: 'lstm', units: 5, returnSequences: true },
		{ kind: 'dense', units: 3 }
	]
};

/** The net that rates are stated for: 99 x 25 -> LSTM 128 -> 64 -> 32 -> Dense 25. */
export const referenceNet: NetworkSpec = {
	features: 25,
	layers: [
		{ kind: 'lstm', units: 128, returnSequences: true },
		{ kind: 'lstm', units: 64, returnSequences: true },
		{ kind: 'lstm', units: 32, returnSequences: false },
		{ kind: 'dense', units: 25 }
	]
};
export const referenceSteps = 99;

function randomChunk(plan: NetworkPlan, rows: number, steps: number, seed: number): Chunk {
	const draw = normalFrom(seed);
	const targets = rows * (plan.sequenceOut ? steps : 1) * plan.outputWidth;
	return {
		inputs: Float32Array.from({ length: rows * steps * plan.spec.features }, draw),
		targets: Float32Array.from({ length: targets }, draw),
		rows,
		steps
	};
}

/** Output and gradient of the probe: every number that a wrong kernel could spoil. */
async function answersOf(make: MakeExecutor): Promise<{ output: Float32Array; gradient: Float32Array }> {
	const plan = planNetwork(probe);
	const chunk = randomChunk(plan, 5, 9, 11);
	const executor = make(plan);
	try {
		executor.setWeights(joinWeights(initialWeights(plan, 5)));
		const output = await executor.score(chunk.inputs, chunk.rows, chunk.steps);
		executor.startTraining();
		executor.accumulate(chunk, { loss: 'mse', batchRows: chunk.rows, firstRow: 0, seed: 1 });
		return { output, gradient: await executor.readGradient() };
	} finally {
		executor.dispose();
	}
}

/**
 * The largest relative error of outputs and gradients against the plain loops. Throws `backend-wrong` when it is above
 * `tolerance`.
 */
export async function selfTest(candidate: MakeExecutor, plain: MakeExecutor, tolerance: number): Promise<number> {
	const [found, expected] = [await answersOf(candidate), await answersOf(plain)];
	let worst = 0;
	for (const part of ['output', 'gradient'] as const) {
		const error = relativeError(found[part], expected[part]);
		worst = Math.max(worst, error);
		if (error <= tolerance) continue;
		throw new MillwrightError(
			'backend-wrong',
			`Self-test failed: its ${part} differs from the reference by ${error.toExponential(1)} (at most ${tolerance.toExponential(0)} is right).`,
			{ part, expected: tolerance, found: error }
		);
	}
	return worst;
}

/** Largest difference over the largest magnitude; Infinity for lengths that differ or anything not finite. */
export function relativeError(found: Float32Array, expected: Float32Array): number {
	if (found.length !== expected.length) return Infinity;
	let largest = 0;
	let worst = 0;
	for (let k = 0; k < expected.length; k++) {
		largest = Math.max(largest, Math.abs(expected[k]!));
		const difference = Math.abs(found[k]! - expected[k]!);
		if (!(difference <= worst)) worst = Number.isFinite(difference) ? difference : Infinity;
	}
	return largest === 0 ? worst : worst / largest;
}

/** Rates of the reference net, measured for at most about half a second after a first run that warms up. */
export async function calibrate(make: MakeExecutor, rows: number): Promise<CalibrationEntry> {
	const plan = planNetwork(referenceNet);
	const chunk = randomChunk(plan, rows, referenceSteps, 3);
	const executor = make(plan);
	try {
		executor.setWeights(joinWeights(initialWeights(plan, 1)));
		executor.startTraining();
		// Shaders are compiled at their first use, which is no part of the rate: two steps are enough for that.
		const short = randomChunk(plan, rows, 2, 4);
		await executor.score(short.inputs, rows, 2);
		executor.accumulate(short, { loss: 'mse', batchRows: rows, firstRow: 0, seed: 1 });
		await executor.takeLoss();
		const score = async () => void (await executor.score(chunk.inputs, rows, referenceSteps));
		const train = async () => {
			executor.accumulate(chunk, { loss: 'mse', batchRows: rows, firstRow: 0, seed: 1 });
			await executor.takeLoss();
		};
		return {
			scoredWindowsPerSecond: rows * (await rateOf(score)),
			trainedWindowsPerSecond: rows * (await rateOf(train))
		};
	} finally {
		executor.dispose();
	}
}

/**
 * Runs per second, by the fastest run: what else this device was doing at that moment must not be kept as its rate. The first is left
 * out unless it alone takes longer than all that may be spent.
 */
async function rateOf(run: () => Promise<void>): Promise<number> {
	const limitMs = 180;
	const first = performance.now();
	await run();
	const started = performance.now();
	if (started - first > limitMs) return 1000 / (started - first);
	let fastest = Infinity;
	for (let now = started; now - started < limitMs;) {
		await run();
		const end = performance.now();
		fastest = Math.min(fastest, end - now);
		now = end;
	}
	return 1000 / fastest;
}
