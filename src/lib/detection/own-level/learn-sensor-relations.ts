/**
 * State Detection: how sensors of healthy machines go with each other.
 *
 * In: replays of held-back normal residuals with their rows. Out: a ridge regression a sensor within machines (each machine's own mean taken
 * out, so that how individuals differ is not mistaken for how sensors go together), and how far individuals differ.
 */
import type { SensorRelations } from '../../contracts';
import { cholesky } from '../ensemble/symmetric-matrix';
import { SensorRelationTerms, relate, termKinds, type TermPlan } from './sensor-relations';

/** Visits the rows of machines in order; without residuals: a row that does not count (standing, starting, changing). */
export type ReplayRows = (
	visit: (residuals: ArrayLike<number> | undefined, scaled: ArrayLike<number>, stopped: boolean) => void,
	begin: () => void
) => void;

/** Five minutes and twenty: windings, housings, oil. */
const plan: TermPlan = { slowSmoothings: [1 / 300, 1 / 1200], slowFromMean: true };
/** Rows are taken in means of so many; what lasts shorter is of no interest. */
const blockRows = 10;
/** A machine counts from so many blocks on. */
const leastBlocks = 60;
/** Added to each term's variance: it keeps terms that hardly vary from getting large weights. */
const ridge = 1e-4;
/** Noise of a level is measured in means of so many blocks, since residuals follow each other. */
const longBlocks = 30;

export function learnSensorRelations(sensors: number, replay: ReplayRows): SensorRelations {
	const size = termKinds(plan) * sensors;
	const machines = collectBlocks(sensors, size, replay);
	const moment = new Float64Array(size * size);
	let count = 0;
	for (const blocks of machines) {
		const mean = meanOf(blocks, size);
		for (const block of blocks) {
			for (let i = 0; i < size; i++) {
				const own = block[i]! - mean[i]!;
				for (let j = 0; j <= i; j++) moment[i * size + j]! += own * (block[j]! - mean[j]!);
			}
			count++;
		}
	}
	for (let i = 0; i < size; i++)
		for (let j = 0; j <= i; j++) moment[j * size + i] = moment[i * size + j]! /= Math.max(1, count);

	const weights = Array.from({ length: sensors }, (_, target) => regress(moment, size, sensors, target));
	const unlevelled: SensorRelations = {
		...plan,
		weights,
		intercept: new Array<number>(sensors).fill(0),
		priorRows: new Array<number>(sensors).fill(0)
	};
	const left = machines.map((blocks) =>
		blocks.map((block) => {
			const out = new Float64Array(sensors);
			relate(unlevelled, block.subarray(0, sensors), block, out);
			return out;
		})
	);
	const means = left.map((blocks) => meanOf(blocks, sensors));
	const intercept = Array.from(meanOf(means, sensors));
	const priorRows = intercept.map((middle, i) => {
		const between = means.reduce((sum, mean) => sum + (mean[i]! - middle) ** 2, 0) / Math.max(1, means.length);
		return levelNoise(left, means, i) / Math.max(1e-6, between);
	});
	return { ...plan, weights, intercept, priorRows };
}

/** Means of ten rows of terms, machine by machine. */
function collectBlocks(sensors: number, size: number, replay: ReplayRows): Float64Array[][] {
	const machines: Float64Array[][] = [];
	const terms = new SensorRelationTerms(sensors, plan);
	let block = new Float64Array(size);
	let rows = 0;
	replay(
		(residuals, scaled) => {
			terms.notice(scaled);
			if (!residuals) return;
			const now = terms.update(residuals, scaled);
			for (let k = 0; k < now.length; k++) block[k]! += now[k]! / blockRows;
			if (++rows < blockRows) return;
			machines[machines.length - 1]!.push(block);
			block = new Float64Array(block.length);
			rows = 0;
		},
		() => {
			terms.reset();
			machines.push([]);
			block.fill(0);
			rows = 0;
		}
	);
	return machines.filter((blocks) => blocks.length >= leastBlocks);
}

/** Weights of all terms for one sensor's residual; 0 for those of the sensor itself. */
function regress(moment: Float64Array, size: number, sensors: number, target: number): number[] {
	const used = Array.from({ length: size }, (_, k) => k).filter((k) => k % sensors !== target);
	const n = used.length;
	const matrix = new Float64Array(n * n);
	used.forEach((row, a) => {
		used.forEach((column, b) => (matrix[a * n + b] = moment[row * size + column]!));
		matrix[a * (n + 1)]! += ridge;
	});
	const solution = solve(
		cholesky(matrix, n),
		used.map((k) => moment[target * size + k]!)
	);
	const weights = new Array<number>(size).fill(0);
	used.forEach((k, a) => (weights[k] = solution[a]!));
	return weights;
}

/** x of L L' x = right. */
function solve(lower: Float64Array, right: readonly number[]): Float64Array {
	const n = right.length;
	const x = Float64Array.from(right);
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < i; k++) x[i]! -= lower[i * n + k]! * x[k]!;
		x[i]! /= lower[i * n + i]!;
	}
	for (let i = n - 1; i >= 0; i--) {
		for (let k = i + 1; k < n; k++) x[i]! -= lower[k * n + i]! * x[k]!;
		x[i]! /= lower[i * n + i]!;
	}
	return x;
}

function meanOf(rows: readonly Float64Array[], size: number): Float64Array {
	const mean = new Float64Array(size);
	for (const row of rows) for (let i = 0; i < size; i++) mean[i]! += row[i]! / rows.length;
	return mean;
}

/** Variance of a mean of n rows times n: of long means around the machine's own mean, since rows are not independent. */
function levelNoise(
	machines: readonly (readonly Float64Array[])[],
	means: readonly Float64Array[],
	sensor: number
): number {
	let sum = 0;
	let count = 0;
	machines.forEach((blocks, m) => {
		for (let from = 0; from + longBlocks <= blocks.length; from += longBlocks) {
			let mean = 0;
			for (let b = from; b < from + longBlocks; b++) mean += blocks[b]![sensor]! / longBlocks;
			sum += (mean - means[m]![sensor]!) ** 2;
			count++;
		}
	});
	return (sum / Math.max(1, count)) * longBlocks * blockRows;
}
