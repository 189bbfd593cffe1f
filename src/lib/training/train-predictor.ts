/**
 * Training: normal running in, a model version out. The same function trains in the page and behind `npm run train:models`.
 *
 * Fits a sequence-to-sequence LSTM on the training part, then streams the held-back part through it exactly as live scoring
 * does and calibrates on what it sees.
 */
import {
	MillwrightError,
	type ModelPackage,
	type ModelVersion,
	type SensorKind,
	type TrainingMetrics,
	type TrainingProgress
} from '../contracts';
import {
	Predictor,
	calibrate,
	learnSilence,
	learnStopLevels,
	learnWander,
	networkSpecOf,
	type ScoredSegment
} from '../detection';
import {
	cutWindows,
	fitScaler,
	persistenceLoss,
	scaleRow,
	splitSegments,
	type AlignedRow,
	type WindowSet
} from '../manipulation';
import type { Engine, FitProgress } from '../neural/engine';
import { worthwhileWorkers } from '../neural/parallel/worthwhile';
import { sha256Hex } from './checksum';
import { corruptWindows } from './corrupt';
import { minimumTrainingRows, planTraining, type TrainingPlan } from './plan';
import { fitResumably, type CheckpointPlace } from './resumable-fit';

export interface TrainingData {
	readonly sensorNames: readonly string[];
	/** In `sensorNames` order. */
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	/** One recording per machine or stretch, in time order. */
	readonly recordings: readonly (readonly AlignedRow[])[];
	/** Recordings kept back for validation and calibration; undefined: the last part of `recordings`. */
	readonly heldBack?: readonly (readonly AlignedRow[])[];
}

export interface TrainingJob {
	readonly id: string;
	readonly target: ModelVersion['target'];
	readonly origin: ModelVersion['origin'];
	readonly createdAt: number;
	readonly description: string;
	readonly seed: number;
	readonly maxEpochs: number;
	readonly patience?: number;
	readonly plan?: Partial<TrainingPlan>;
	/** Processor cores that training may use; default 1. It takes as many as pay for this network and batch. */
	readonly cores?: number;
	/** Where it keeps how far it has got, so that the same job goes on there; undefined: nowhere. */
	readonly checkpoints?: CheckpointPlace | false;
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: TrainingProgress) => void;
}

/** Trains and calibrates. Rejects with `aborted` when the signal fires, `not-enough-data` when there is too little. */
export async function trainPredictor(engine: Engine, data: TrainingData, job: TrainingJob): Promise<ModelPackage> {
	const rows = data.recordings.reduce((sum, recording) => sum + recording.length, 0);
	if (rows < minimumTrainingRows)
		throw new MillwrightError(
			'not-enough-data',
			`Training needs at least ${minimumTrainingRows} rows; this span has ${rows}`,
			{
				rows,
				minimumRows: minimumTrainingRows
			}
		);
	const plan = { ...planTraining(rows), ...job.plan };
	const parts = splitRecordings(data, plan);
	const scaler = fitScaler(data.sensorNames, parts.training.flat());
	const stoppedBelow = learnStopLevels(
		data.kinds,
		parts.training.flatMap((recording) => recording.map((row) => row.values))
	);
	const segmentsOf = (recordings: readonly (readonly AlignedRow[])[]) =>
		recordings.flatMap((recording) => splitSegments(recording, plan.windowSteps + 1));
	const clean = cutWindows(segmentsOf(parts.training), scaler, plan.windowSteps, plan.stride);
	const validation = cutWindows(
		segmentsOf(parts.heldBack),
		scaler,
		plan.windowSteps,
		Math.max(1, plan.windowSteps >> 1)
	);
	if (clean.count < 10 || validation.count < 1)
		throw new MillwrightError(
			'not-enough-data',
			`Gaps leave only ${clean.count} unbroken ${clean.count === 1 ? 'window' : 'windows'} of ${plan.windowSteps} rows to train on and ${validation.count} to check with`,
			{ windows: clean.count, validation: validation.count }
		);

	const spec = {
		kind: 'lstm-predictor' as const,
		features: data.sensorNames.length,
		units: plan.units,
		windowSteps: plan.windowSteps + 1
	};
	const network = engine.createNetwork(networkSpecOf(spec), job.seed);
	let done = 0;
	try {
		const faulty = corruptWindows(clean, plan.copies, job.seed + 1);
		// Judged on the same task it is taught, or a mere copier of the last row would be kept.
		const check = corruptWindows(validation, 1, job.seed + 2);
		const curveFloor = persistenceLoss(check);
		const fitted = await fitResumably(
			network,
			faulty,
			{
				epochs: job.maxEpochs,
				batchSize: plan.batchSize,
				learningRate: plan.learningRate,
				learningRateSchedule: { kind: 'cosine', minimum: plan.learningRate / 20 },
				seed: job.seed,
				validation: check,
				patience: job.patience ?? Math.max(6, Math.round(job.maxEpochs / 5)),
				clipNorm: 1,
				workers: worthwhileWorkers(network.spec, clean.steps, plan.batchSize, job.cores ?? 1),
				signal: job.signal,
				onProgress: (progress) =>
					job.onProgress?.({
						phase: 'training',
						epoch: progress.epoch,
						maxEpochs: job.maxEpochs,
						fraction: (done = Math.max(done, 0.05 + 0.85 * shareDone(progress))),
						secondsLeft: progress.secondsLeft,
						windowsPerSecond: progress.windowsPerSecond,
						backend: engine.report.backend,
						workers: progress.workers,
						sharesMemory: progress.sharesMemory,
						resumedAtEpoch: progress.resumedAtEpoch,
						lossCurve: progress.lossCurve,
						curveFloor
					})
			},
			job.checkpoints
		);
		job.signal?.throwIfAborted();
		job.onProgress?.({
			phase: 'calibrating',
			epoch: fitted.lossCurve.length,
			maxEpochs: job.maxEpochs,
			fraction: 0.92,
			secondsLeft: undefined,
			windowsPerSecond: undefined,
			backend: engine.report.backend,
			lossCurve: fitted.lossCurve,
			curveFloor
		});
		const validationLoss = await lossOf(network, validation);
		const weights = await network.getWeights();
		const bytes = weights.slice().buffer as ArrayBuffer;
		const spanned = [...data.recordings, ...(data.heldBack ?? [])].flatMap((r) =>
			r.length > 0 ? [r[0]!.time, r[r.length - 1]!.time] : []
		);
		const metrics: TrainingMetrics = {
			trainLoss: fitted.trainLoss,
			validationLoss,
			persistenceLoss: persistenceLoss(validation),
			epochs: fitted.lossCurve.length,
			windows: faulty.count,
			seconds: fitted.seconds,
			backend: engine.report.backend,
			lossCurve: fitted.lossCurve,
			curveFloor
		};
		const uncalibrated: ModelVersion = {
			id: job.id,
			target: job.target,
			origin: job.origin,
			createdAt: job.createdAt,
			spec,
			stepMs: data.stepMs,
			scaler,
			calibration: {
				residualDeviation: scaler.deviation.map(() => 1),
				residualMean: scaler.mean.map(() => 0),
				smoothing: 0.05,
				threshold: 1
			},
			seed: job.seed,
			dataSpan: { from: Math.min(...spanned), to: Math.max(...spanned), description: job.description },
			metrics,
			weights: network.weightShapes.map(({ name, shape }) => ({ name, shape: [...shape] })),
			weightsSha256: await sha256Hex(bytes)
		};
		const scored = scoreRecordings(engine, { version: uncalibrated, weights: bytes }, parts);
		job.signal?.throwIfAborted();
		const [whole, ...others] = data.recordings;
		const wander = learnWander(
			others.length > 0 || data.heldBack || !whole ? [] : whole.map(({ values }) => values),
			scaler.deviation
		);
		const silence = learnSilence(data.heldBack ?? data.recordings, data.kinds.length);
		const calibration = { ...calibrate(scored, data.kinds, stoppedBelow, wander), ...(silence ? { silence } : {}) };
		const version = { ...uncalibrated, calibration };
		return { version, weights: bytes };
	} catch (error) {
		if (job.signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled');
		throw error;
	} finally {
		network.dispose();
	}
}

/** Of the epochs asked for, counting those finished and the part of the present one. */
function shareDone({ lossCurve, batch, batches, epochs }: FitProgress): number {
	return Math.min(1, (lossCurve.length + (batch < batches ? batch / batches : 0)) / epochs);
}

/** A version calibrated anew on other held-back recordings; its weights stay. */
export function recalibrate(
	engine: Engine,
	pkg: ModelPackage,
	heldBack: readonly (readonly AlignedRow[])[],
	kinds: readonly SensorKind[]
): ModelPackage {
	const scored = scoreRecordings(engine, pkg, { training: [], heldBack, leadIn: heldBack.map(() => []) });
	const calibration = calibrate(scored, kinds, pkg.version.calibration.stoppedBelow ?? kinds.map(() => null));
	const silence = learnSilence(heldBack, kinds.length);
	return { ...pkg, version: { ...pkg.version, calibration: { ...calibration, ...(silence ? { silence } : {}) } } };
}

interface Parts {
	readonly training: readonly (readonly AlignedRow[])[];
	readonly heldBack: readonly (readonly AlignedRow[])[];
	/** Rows to run through before each held-back recording, so that the carried state is warm. */
	readonly leadIn: readonly (readonly AlignedRow[])[];
}

function splitRecordings(data: TrainingData, plan: TrainingPlan): Parts {
	if (data.heldBack) return { training: data.recordings, heldBack: data.heldBack, leadIn: data.heldBack.map(() => []) };
	const total = data.recordings.reduce((sum, recording) => sum + recording.length, 0);
	let toTrain = Math.round(total * (1 - plan.holdOut));
	const training: AlignedRow[][] = [];
	const heldBack: AlignedRow[][] = [];
	const leadIn: AlignedRow[][] = [];
	for (const recording of data.recordings) {
		const cut = Math.min(recording.length, Math.max(0, toTrain));
		toTrain -= cut;
		if (cut > 0) training.push(recording.slice(0, cut));
		if (cut < recording.length) {
			heldBack.push(recording.slice(cut));
			leadIn.push(recording.slice(Math.max(0, cut - plan.windowSteps), cut));
		}
	}
	return { training, heldBack, leadIn };
}

/** Streams the held-back recordings through the network as live scoring would, cut at breaks and gaps. */
function scoreRecordings(engine: Engine, pkg: ModelPackage, parts: Parts): ScoredSegment[] {
	const { scaler } = pkg.version;
	const features = scaler.mean.length;
	// Stretches are independent of each other: many go through the network side by side.
	const stretches = parts.heldBack.flatMap((recording, p) => {
		const lead = recording[0]?.breakBefore ? [] : parts.leadIn[p]!;
		return splitSegments(recording, 30).map((rows) => {
			const continued = rows[0] === recording[0] && lead.length > 0;
			return { rows, lead: continued ? lead.filter(({ values }) => !values.some(Number.isNaN)) : [], continued };
		});
	});
	const scored: ScoredSegment[] = [];
	for (let first = 0; first < stretches.length; first += scoredTogether) {
		const group = stretches.slice(first, first + scoredTogether);
		const predictor = new Predictor(engine, pkg, group.length);
		try {
			const segments = group.map(({ rows }) => {
				const own = new Float32Array(rows.length * features);
				const scaled = new Float32Array(own.length);
				return { rows: rows.length, own, scaled, expected: new Float32Array(own.length).fill(Number.NaN) };
			});
			const rounds = Math.max(...group.map(({ rows, lead }) => rows.length + lead.length));
			for (let round = 0; round < rounds; round++) {
				const lanes: string[] = [];
				const inputs: Float32Array[] = [];
				group.forEach(({ rows, lead, continued }, g) => {
					const r = round - lead.length;
					if (r >= rows.length) return;
					const input = new Float32Array(features);
					if (r < 0) scaleRow(scaler, lead[round]!.values, input);
					else {
						const { own, scaled, expected } = segments[g]!;
						own.set(rows[r]!.values, r * features);
						scaleRow(scaler, rows[r]!.values, scaled, r * features);
						const prediction = predictor.expectedOf(`${g}`);
						const warm = continued ? 0 : (pkg.version.calibration.warmUpSteps ?? 20);
						if (prediction && r >= warm) expected.set(prediction, r * features);
						for (let i = 0; i < features; i++) input[i] = Math.max(-8, Math.min(8, scaled[r * features + i]!));
					}
					lanes.push(`${g}`);
					inputs.push(input);
				});
				predictor.step(lanes, inputs);
			}
			scored.push(...segments);
		} finally {
			predictor.dispose();
		}
	}
	return scored;
}

/** Stretches in one step of the network. */
const scoredTogether = 32;

async function lossOf(
	network: { predict(inputs: Float32Array, count: number, steps: number): Promise<Float32Array> },
	windows: WindowSet
): Promise<number> {
	const outputs = await network.predict(windows.inputs, windows.count, windows.steps);
	let sum = 0;
	for (let i = 0; i < outputs.length; i++) sum += (outputs[i]! - windows.targets[i]!) ** 2;
	return sum / outputs.length;
}
