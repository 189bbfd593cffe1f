/**
 * Training: the whole detector of one machine - predictor, autoencoder, variational autoencoder - and what their residuals look
 * like in normal running.
 *
 * In: as `trainPredictor`. Out: a version whose members vote. All of the span serves to learn what is normal: how far levels travel
 * within it is the best guess of how far they may travel afterwards.
 */
import {
	MillwrightError,
	isAborted,
	type Ensemble,
	type MemberName,
	type ModelPackage,
	type ModelVersion,
	type ReconstructorSpec,
	type WatchCalibration
} from '../contracts';
import {
	Predictor,
	learnWatch,
	memberRows,
	reconstructorEntries,
	ModeDetector,
	type ResidualStretch
} from '../detection';
import { cutWindows, scaleRow, splitSegments } from '../manipulation';
import type { Engine } from '../neural/engine';
import { planReconstructors } from './plan';
import { fitReconstructor } from './fit-reconstructor';
import { sha256Hex } from './checksum';
import { trainPredictor, type TrainingData, type TrainingJob } from './train-predictor';

/** Share of the job that the predictor takes; the rest is shared by the other networks. */
const predictorShare = 0.5;
const defaultFalseAlarmsPerWeek = 1;
/** The levels' say in the vote, where a network's is 1: of few rows networks learn little. Chosen on recordings of normal running with invented faults. */
const levelsWeight = (rows: number) => 5 + 3 * Math.min(1, 400 / Math.max(1, rows));
/** A network that explains the machine, so that its residuals' variance is this many times smaller than the levels', has more say. */
const clearGain = 4.5;
const mostWeight = 25;

export interface EnsembleJob extends TrainingJob {
	/** What thresholds are set for; default 1. */
	readonly falseAlarmsPerWeek?: number;
}

/** Trains and calibrates all members. Rejects as `trainPredictor` does. */
export async function trainEnsemble(engine: Engine, data: TrainingData, job: EnsembleJob): Promise<ModelPackage> {
	const report = (from: number, to: number): TrainingJob['onProgress'] =>
		job.onProgress &&
		((progress) =>
			job.onProgress!({
				...progress,
				phase: progress.phase === 'calibrating' ? 'training' : progress.phase,
				fraction: from + (to - from) * progress.fraction,
				secondsLeft: progress.secondsLeft === undefined ? undefined : progress.secondsLeft / (to - from)
			}));
	const predictor = await trainPredictor(engine, data, { ...job, onProgress: report(0, predictorShare) });
	const { version } = predictor;
	const rows = data.recordings.reduce((sum, recording) => sum + recording.length, 0);
	const networks: { spec: ReconstructorSpec; weights: Float32Array; entries: ModelVersion['weights'] }[] = [];
	const plans = planReconstructors(rows, version.spec.features);
	try {
		for (const [k, plan] of plans.entries()) {
			job.signal?.throwIfAborted();
			const windows = cutWindows(
				data.recordings.flatMap((recording) => splitSegments(recording, plan.spec.windowSteps + 1)),
				version.scaler,
				plan.spec.windowSteps,
				plan.stride
			);
			if (windows.count < 10) continue;
			const share = (0.95 - predictorShare) / plans.length;
			const from = predictorShare + share * k;
			const fitted = await fitReconstructor(engine, plan, windows, {
				seed: job.seed + 11 * (k + 1),
				maxEpochs: job.maxEpochs,
				signal: job.signal,
				onFraction: (fraction) =>
					job.onProgress?.({
						phase: 'training',
						epoch: version.metrics.epochs,
						maxEpochs: job.maxEpochs,
						fraction: from + share * fraction,
						secondsLeft: undefined,
						windowsPerSecond: undefined,
						backend: engine.report.backend,
						lossCurve: version.metrics.lossCurve,
						curveFloor: version.metrics.curveFloor
					})
			});
			networks.push({
				spec: plan.spec,
				weights: fitted.weights,
				entries: reconstructorEntries(plan.spec, fitted.shapes)
			});
		}
	} catch (error) {
		if (job.signal?.aborted || isAborted(error)) throw new MillwrightError('aborted', 'Training was cancelled');
		throw error;
	}
	job.onProgress?.({
		phase: 'calibrating',
		epoch: version.metrics.epochs,
		maxEpochs: job.maxEpochs,
		fraction: 0.95,
		secondsLeft: undefined,
		windowsPerSecond: undefined,
		backend: engine.report.backend,
		lossCurve: version.metrics.lossCurve,
		curveFloor: version.metrics.curveFloor
	});
	const reconstructors = networks.map(({ spec }) => spec);
	const weights = joined(
		predictor.weights,
		networks.map((network) => network.weights)
	);
	const falseAlarmsPerWeek = job.falseAlarmsPerWeek ?? defaultFalseAlarmsPerWeek;
	const unvoted: ModelPackage = {
		version: { ...version, ensemble: { members: [], reconstructors, falseAlarmsPerWeek, rows: 0 } },
		weights
	};
	const stretches = replay(engine, unvoted, data);
	const judged = stretches.get('levels')!.reduce((sum, stretch) => sum + stretch.rows, 0);
	let ensemble: Ensemble;
	try {
		ensemble = {
			members: weighted(
				[...stretches].map(([name, list]) => ({
					name,
					watch: learnWatch(list, { kinds: data.kinds, stepMs: data.stepMs, falseAlarmsPerWeek })
				})),
				judged
			),
			reconstructors,
			falseAlarmsPerWeek,
			rows: judged
		};
	} catch (error) {
		// Too many gaps for moving means: the predictor alone still judges.
		if (error instanceof MillwrightError && error.code === 'not-enough-data') return predictor;
		throw error;
	}
	return {
		version: {
			...version,
			ensemble,
			weights: [...version.weights, ...networks.flatMap(({ entries }) => entries)],
			weightsSha256: await sha256Hex(weights)
		},
		weights
	};
}

/** Says by how narrow a member's normal range is, in geometric mean over sensors, beside that of the levels. */
function weighted(members: readonly Omit<Ensemble['members'][number], 'weight'>[], rows: number): Ensemble['members'] {
	const levels = members.find(({ name }) => name === 'levels')!.watch;
	const sensors = levels.level.length;
	const variance = (watch: WatchCalibration, i: number) => watch.covariance[1]![i * (sensors + 1)]!;
	return members.map(({ name, watch }) => {
		let gain = 0;
		for (let i = 0; i < sensors; i++) gain += Math.log(variance(levels, i) / variance(watch, i)) / sensors;
		const ratio = Math.exp(gain);
		const weight = name === 'levels' ? levelsWeight(rows) : ratio > clearGain ? Math.min(mostWeight, ratio) : 1;
		return { name, weight, watch };
	});
}

function joined(first: ArrayBuffer, others: readonly Float32Array[]): ArrayBuffer {
	const all = new Float32Array(first.byteLength / 4 + others.reduce((sum, part) => sum + part.length, 0));
	all.set(new Float32Array(first));
	let at = first.byteLength / 4;
	for (const part of others) {
		all.set(part, at);
		at += part.length;
	}
	return all.buffer;
}

/** Runs the span through all networks as live scoring would; gives each member's residual rows, stretch by stretch. */
function replay(engine: Engine, pkg: ModelPackage, data: TrainingData): Map<MemberName, ResidualStretch[]> {
	const { scaler, calibration } = pkg.version;
	const sensors = scaler.mean.length;
	const warmUp = calibration.warmUpSteps ?? 0;
	const found = new Map<MemberName, ResidualStretch[]>();
	const predictor = new Predictor(engine, pkg, 1);
	const lane = 'calibration';
	const scaled = new Float32Array(sensors);
	try {
		for (const segment of data.recordings.flatMap((recording) => splitSegments(recording, 120))) {
			predictor.reset(lane);
			const modes = new ModeDetector(calibration, sensors);
			const rows = new Map<MemberName, Float32Array[]>();
			const keep = (name: MemberName, list: readonly ArrayLike<number>[]) => {
				const kept = rows.get(name) ?? [];
				rows.set(name, kept);
				for (const row of list) kept.push(Float32Array.from(row));
			};
			segment.forEach(({ values }, r) => {
				scaleRow(scaler, values, scaled);
				const counts = modes.observe(values, scaled) || modes.mode === 'changing';
				const prediction = predictor.expectedOf(lane);
				const reconstructed = predictor.takeReconstruction(lane) ?? {};
				if (counts && prediction && r >= warmUp) {
					const own = memberRows(values, scaled, prediction);
					keep('levels', [own.levels]);
					keep('predictor', [own.predictor]);
					for (const [name, list] of Object.entries(reconstructed)) keep(name as MemberName, list);
				}
				predictor.step([lane], [scaled.map((value) => Math.max(-8, Math.min(8, value)))]);
			});
			for (const [name, list] of rows) {
				const values = new Float32Array(list.length * sensors);
				list.forEach((row, r) => values.set(row, r * sensors));
				const before = found.get(name) ?? [];
				found.set(name, [...before, { rows: list.length, values }]);
			}
		}
	} finally {
		predictor.dispose();
	}
	if (!found.has('levels')) found.set('levels', []);
	return found;
}
