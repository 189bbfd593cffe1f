/**
 * Training: histories of units that ran to failure in, a remaining-life model with its interval out. The same function trains
 * in the page and behind `npm run train:models`.
 *
 * Units are dealt into folds, several times over; each network of the ensemble learns without one fold and then says the
 * remaining life of the units in it. Those held-out errors give the interval and the figures, so no unit is kept from
 * learning and none is judged by a network that knew it.
 */
import {
	MillwrightError,
	type RulBacktestRow,
	type RulModelPackage,
	type RulModelVersion,
	type RulTrainingProgress,
	type UnitHistories,
	type UnitHistory
} from '../../contracts';
import {
	calibrateInterval,
	estimateFrom,
	featureWidth,
	learnConditions,
	lifeFeatures,
	predictLife,
	rulNetworkSpec,
	scaleLife,
	windowsEndingAt
} from '../../prognostics';
import type { Engine, FitData, Network } from '../../neural/engine';
import { normalFrom, seedOf, shuffledIndices } from '../../neural/random';
import { sha256Hex } from '../checksum';
import { fewestFailedUnits, fewestRows, rulPlan, type RulPlan } from './plan';

export interface RulTrainingJob {
	readonly id: string;
	readonly title: string;
	readonly origin: RulModelVersion['origin'];
	readonly createdAt: number;
	readonly description: string;
	readonly seed: number;
	readonly plan?: Partial<RulPlan>;
	/** Workers that share each batch, this one among them; default 1. */
	readonly workers?: number;
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: RulTrainingProgress) => void;
}

export interface TrainedRul {
	readonly pkg: RulModelPackage;
	/** Every row of every unit, by the member that had not seen the unit. */
	readonly backtest: readonly RulBacktestRow[];
}

/**
 * Trains and calibrates.
 * @throws MillwrightError `aborted`, `not-enough-data` (too few failed units, nothing that ages), `invalid-input` (sizes that do not fit).
 */
export async function trainRul(engine: Engine, histories: UnitHistories, job: RulTrainingJob): Promise<TrainedRul> {
	const plan = { ...rulPlan, ...job.plan };
	const units = usableUnits(histories);
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
			const data = trainingWindows(units, lives, known, used, plan, seedOf(job.seed, 7, m));
			const fitted = await network.fit(data, {
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
			});
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
	const seconds = (performance.now() - startedAt) / 1000;
	const bytes = joined(weights);
	const backtest = units.flatMap((unit, u) =>
		Array.from(held[u]!, (predicted, row): RulBacktestRow => {
			const actual = Math.min(plan.network.capSteps, unit.steps - 1 - row);
			return { unit: u, row, predicted, actual };
		})
	);
	const judged = backtest.filter(({ row, unit }) => units[unit]!.failed && row >= fewestRows);
	const metrics = {
		...scoreBacktest(judged, plan.network.capSteps, deals[0]!),
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
		conditions,
		spec: plan.network,
		members,
		calibration: calibrateInterval(judged),
		metrics,
		description: job.description,
		weights: weightShapes,
		weightsSha256: await sha256Hex(bytes)
	};
	return { pkg: { version, weights: bytes }, backtest };
}

/** Units long enough to learn from; refuses sets with too few failures, naming what was found. */
function usableUnits(histories: UnitHistories): UnitHistory[] {
	const { sensorNames, settingNames, units } = histories;
	for (const { unitId, steps, sensors, settings } of units)
		if (sensors.length !== steps * sensorNames.length || settings.length !== steps * settingNames.length)
			throw new MillwrightError(
				'invalid-input',
				`Unit ${unitId}: expected ${steps} rows of ${sensorNames.length} sensors and ${settingNames.length} settings, found ${sensors.length} and ${settings.length} values`,
				{ unitId, steps }
			);
	const repeated = units.find(({ unitId }, u) => units.findIndex((other) => other.unitId === unitId) !== u);
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
		const { steps: rows } = units[u]!;
		inputs.set(
			windowsEndingAt(lifeFeatures(network.features, lives[u]!, used), width, ends[k]!, steps),
			at * steps * width
		);
		for (const end of ends[k]!) {
			for (let s = 0; s < steps; s++) {
				const t = Math.max(0, end - steps + 1 + s);
				targets[at * steps + s] = Math.min(network.capSteps, rows - 1 - t) / network.capSteps;
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

/** Errors with every unit weighing the same; coverage with the interval of the other folds, so that it is not its own judge. */
function scoreBacktest(judged: readonly RulBacktestRow[], capSteps: number, folds: readonly number[]) {
	const rows = new Map<number, number>();
	for (const { unit } of judged) rows.set(unit, (rows.get(unit) ?? 0) + 1);
	const weightOf = ({ unit }: RulBacktestRow) => 1 / rows.get(unit)! / rows.size;
	const mean = judged.reduce((sum, row) => sum + weightOf(row) * row.actual, 0);
	const squared = (of: (row: RulBacktestRow) => number) =>
		Math.sqrt(judged.reduce((sum, row) => sum + weightOf(row) * of(row) ** 2, 0));
	let covered = 0;
	for (const fold of new Set(folds)) {
		const calibration = calibrateInterval(judged.filter(({ unit }) => folds[unit] !== fold));
		for (const row of judged) {
			if (folds[row.unit] !== fold) continue;
			const { low, high } = estimateFrom(calibration, row.predicted, capSteps);
			if (row.actual >= low && row.actual <= high) covered += weightOf(row);
		}
	}
	return {
		crossValidatedRmse: squared((row) => row.predicted - row.actual),
		constantRmse: squared((row) => mean - row.actual),
		coverage90: covered
	};
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
