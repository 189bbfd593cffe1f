/**
 * Training: histories of units that ran to failure in, a remaining-life model with its interval out. The same function trains
 * in the page and behind `npm run train:models`.
 *
 * Units are dealt into folds, several times over; each network of the ensemble learns without one fold and then says the
 * remaining life of the units in it. Those held-out errors give the interval and the figures, so no unit is kept from
 * learning and none is judged by a network that knew it.
 */
import {
	fewestFailedUnits,
	MillwrightError,
	type RulBacktest,
	type RulModelPackage,
	type RulModelVersion,
	type RulTrainingProgress,
	type UnitHistories,
	type UnitHistory
} from '../../contracts';
import {
	calibrateInterval,
	featureWidth,
	learnConditions,
	lifeFeatures,
	predictLife,
	rulNetworkSpec,
	scaleLife,
	stepsLeft,
	windowsEndingAt
} from '../../prognostics';
import type { Engine, FitData, FitOptions, Network } from '../../neural/engine';
import { normalFrom, seedOf, shuffledIndices } from '../../neural/random';
import { sha256Hex } from '../checksum';
import { fitResumably, type CheckpointPlace } from '../resumable-fit';
import { crossValidated, figuresOf, judgeHeldOut, rowsOf } from './backtest';
import { fewestRows, rulPlan, type RulPlan } from './plan';
import { RidgeLife } from './ridge';

export interface RulTrainingJob {
	readonly id: string;
	readonly title: string;
	readonly origin: RulModelVersion['origin'];
	readonly createdAt: number;
	readonly description: string;
	readonly seed: number;
	readonly plan?: Partial<RulPlan>;
	/** Units that nothing is learnt from: the finished model is judged on them. */
	readonly heldOut?: readonly UnitHistory[];
	/** Workers that share each batch, this one among them; default 1. */
	readonly workers?: number;
	/** Where networks are kept as they are learnt, so that the same job goes on after a reload. */
	readonly checkpoints?: CheckpointPlace | false;
	/** Seconds that went into this job before it was taken up again. */
	readonly spentSeconds?: number;
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: RulTrainingProgress) => void;
}

export interface TrainedRul {
	readonly pkg: RulModelPackage;
	/** Of units kept back where there are some; else every row of every unit, by the members that had not seen the unit. */
	readonly backtest: RulBacktest;
}

/**
 * Trains and calibrates.
 * @throws MillwrightError `aborted`, `not-enough-data` (too few failed units, nothing that ages), `invalid-input` (sizes that do not fit).
 */
export async function trainRul(engine: Engine, histories: UnitHistories, job: RulTrainingJob): Promise<TrainedRul> {
	const plan = { ...rulPlan, ...job.plan };
	const units = usableUnits(histories, job.heldOut);
	const startedAt = performance.now();
	const conditions = learnConditions(
		units,
		histories.settingNames.length,
		histories.sensorNames.length,
		plan.network.capSteps
	);
	const lives = units.map((unit) => scaleLife(conditions, unit));
	const foldCount = Math.min(plan.folds, Math.floor(units.length / 2));
	const members = foldCount * plan.repeats;
	const deals = Array.from({ length: plan.repeats }, (_, r) => dealUnits(units.length, foldCount, seedOf(job.seed, r)));
	const stride = strideWithin(units, plan, conditions.sensors.length);
	const held = units.map((unit) => new Float32Array(unit.steps));
	const weights: Float32Array[] = [];
	const lossCurve: RulModelVersion['metrics']['lossCurve'][number][] = [];
	const used = conditions.sensors.length;
	let weightShapes: RulModelVersion['weights'] = [];
	for (let m = 0; m < members; m++) {
		const network = engine.createNetwork(rulNetworkSpec(plan.network, used), seedOf(job.seed, m));
		try {
			const deal = deals[Math.floor(m / foldCount)]!;
			const known = units.flatMap((_, u) => (deal[u] === m % foldCount ? [] : [u]));
			const data = trainingWindows(units, lives, known, used, { ...plan, stride }, seedOf(job.seed, 7, m));
			const options: FitOptions = {
				epochs: Math.max(1, Math.round((plan.updates * plan.batchSize) / data.count)),
				batchSize: plan.batchSize,
				learningRate: plan.learningRate,
				learningRateSchedule: { kind: 'cosine', minimum: plan.learningRate / 50 },
				weightDecay: plan.weightDecay,
				clipNorm: 1,
				seed: seedOf(job.seed, 8, m),
				workers: job.workers,
				signal: job.signal,
				onProgress: (progress) =>
					job.onProgress?.({
						phase: 'training',
						member: m + 1,
						members,
						epoch: progress.epoch,
						epochs: progress.epochs,
						fraction: (m + (progress.epoch - 1 + progress.batch / progress.batches) / progress.epochs) / members,
						secondsLeft: progress.secondsLeft * (members - m),
						windowsPerSecond: progress.windowsPerSecond,
						backend: engine.report.backend,
						lossCurve: progress.lossCurve
					})
			};
			const fitted = await fitResumably(network, data, options, job.checkpoints);
			if (m === 0) lossCurve.push(...fitted.lossCurve);
			for (const [u, fold] of deal.entries())
				if (fold === m % foldCount) await addPredictions(network, plan, lives[u]!, used, held[u]!, 1 / plan.repeats);
			weights.push(await network.getWeights());
			weightShapes = network.weightShapes.map(({ name, shape }) => ({ name, shape: [...shape] }));
		} catch (error) {
			if (job.signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled');
			throw error;
		} finally {
			network.dispose();
		}
	}
	const seconds = (job.spentSeconds ?? 0) + (performance.now() - startedAt) / 1000;
	const bytes = joined(weights);
	const { capSteps } = plan.network;
	const ridge = new RidgeLife(conditions, capSteps);
	const backtest = crossValidated(units, held, deals[0]!, capSteps, ridge);
	const judged = rowsOf(backtest);
	const figures = figuresOf(backtest);
	const metrics = {
		crossValidatedRmse: figures.rmse,
		constantRmse: figures.constantRmse,
		ridgeRmse: figures.ridgeRmse,
		coverage90: figures.coverage90,
		units: units.length,
		rows: units.reduce((sum, unit) => sum + unit.steps, 0),
		seconds,
		secondsPerMember: seconds / members,
		backend: engine.report.backend,
		lossCurve
	};
	const version: RulModelVersion = {
		id: job.id,
		kind: 'rul-ensemble',
		title: job.title,
		origin: job.origin,
		createdAt: job.createdAt,
		seed: job.seed,
		sensorNames: histories.sensorNames,
		settingNames: histories.settingNames,
		stepName: histories.stepName,
		...(histories.rowsPerStep && { rowsPerStep: histories.rowsPerStep }),
		conditions,
		spec: plan.network,
		members,
		calibration: calibrateInterval(judged),
		metrics,
		description: job.description,
		weights: weightShapes,
		weightsSha256: await sha256Hex(bytes)
	};
	const pkg = { version, weights: bytes };
	if (!job.heldOut?.length) return { pkg, backtest };
	const weightsOfRidge = ridge.learn([ridge.sums(units)]);
	const judgedApart = await judgeHeldOut(engine, pkg, job.heldOut, ridge, weightsOfRidge, backtest.constant);
	const withHeldOut = { ...version, metrics: { ...metrics, heldOut: figuresOf(judgedApart) } };
	return { pkg: { version: withHeldOut, weights: bytes }, backtest: judgedApart };
}

/** Windows of one network's training stay below this many values: 256 MB. */
const mostValues = 64_000_000;

function strideWithin(units: readonly UnitHistory[], plan: RulPlan, used: number): number {
	const rows = units.reduce((sum, { steps }) => sum + steps, 0);
	const values = rows * plan.network.windowSteps * featureWidth(plan.network.features, used);
	return Math.max(plan.stride, Math.ceil(values / mostValues));
}

/** Units long enough to learn from; refuses sets with too few failures, naming what was found. */
function usableUnits(histories: UnitHistories, heldOut: readonly UnitHistory[] = []): UnitHistory[] {
	const { sensorNames, settingNames, units } = histories;
	for (const { unitId, steps, sensors, settings } of units)
		if (sensors.length !== steps * sensorNames.length || settings.length !== steps * settingNames.length)
			throw new MillwrightError(
				'invalid-input',
				`Unit ${unitId}: expected ${steps} rows of ${sensorNames.length} sensors and ${settingNames.length} settings, found ${sensors.length} and ${settings.length} values`,
				{ unitId, steps }
			);
	const ids = [...units, ...heldOut].map(({ unitId }) => unitId);
	const repeated = units.find(({ unitId }, u) => ids.indexOf(unitId) !== u || ids.lastIndexOf(unitId) !== u);
	if (repeated)
		throw new MillwrightError(
			'invalid-input',
			`Unit ${repeated.unitId} occurs twice: the same unit on both sides of a split would make the model look better than it is`,
			{ unitId: repeated.unitId }
		);
	const usable = units.filter(({ failed, steps }) => failed && steps >= fewestRows);
	if (usable.length < fewestFailedUnits)
		throw new MillwrightError(
			'not-enough-data',
			`Remaining life is learnt from at least ${fewestFailedUnits} units that ran to failure; there are ${usable.length}`,
			{ failedUnits: usable.length, needed: fewestFailedUnits }
		);
	return usable;
}

/** Fold of each unit: dealt at random, as even as they come. */
function dealUnits(count: number, folds: number, seed: number): number[] {
	const order = shuffledIndices(count, seedOf(seed, 5));
	const fold = new Array<number>(count).fill(0);
	order.forEach((unit, place) => (fold[unit] = place % folds));
	return fold;
}

function trainingWindows(
	units: readonly UnitHistory[],
	lives: readonly Float32Array[],
	known: readonly number[],
	used: number,
	plan: RulPlan,
	seed: number
): FitData {
	const { network, stride } = plan;
	const width = featureWidth(network.features, used);
	const steps = network.windowSteps;
	const ends = known.map((u) => {
		const { steps: rows } = units[u]!;
		return Array.from({ length: Math.ceil(rows / stride) }, (_, k) => rows - 1 - k * stride);
	});
	const count = ends.reduce((sum, list) => sum + list.length, 0);
	const inputs = new Float32Array(count * steps * width);
	const targets = new Float32Array(count * steps);
	let at = 0;
	known.forEach((u, k) => {
		inputs.set(
			windowsEndingAt(lifeFeatures(network.features, lives[u]!, used), width, ends[k]!, steps),
			at * steps * width
		);
		for (const end of ends[k]!) {
			for (let s = 0; s < steps; s++) {
				const t = Math.max(0, end - steps + 1 + s);
				targets[at * steps + s] = Math.min(network.capSteps, stepsLeft(units[u]!, t)) / network.capSteps;
			}
			at++;
		}
	});
	if (plan.noise > 0) {
		const normal = normalFrom(seed);
		for (let i = 0; i < inputs.length; i++) inputs[i]! += plan.noise * normal();
	}
	return { inputs, targets, count, steps };
}

/** Adds a share of what the network says at every row of a life. */
async function addPredictions(
	network: Network,
	plan: RulPlan,
	life: Float32Array,
	used: number,
	into: Float32Array,
	share: number
): Promise<void> {
	const rows = Array.from(into, (_, t) => t);
	const predicted = await predictLife(network, plan.network, life, used, rows);
	for (let t = 0; t < into.length; t++) into[t]! += share * predicted[t]!;
}

function joined(parts: readonly Float32Array[]): ArrayBuffer {
	const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}
	return all.buffer;
}
