/**
 * Simulated machines with a model of their own, trained as the page does on their first hours of running. In: a machine's rows. Out: what that
 * model, a vote trained on the same rows, each of its members alone and the model of the machine's class say of every later row.
 */
import { MillwrightError, type ModelPackage } from '$lib/contracts';
import { Predictor } from '$lib/detection';
import type { Engine } from '$lib/neural';
import { MachinePipeline, judgeDue, type Verdict } from '$lib/pipeline';
import { afterTraining, trainDetector, trainEnsemble, withMembers, withModes } from '$lib/training';
import type { LevelSource } from './watch-levels';

export interface OwnJob {
	readonly classModel: ModelPackage;
	/** The first rows, which are trained on. */
	readonly trainRows: number;
	readonly seed: number;
	readonly maxEpochs: number;
}

export interface OwnAnswer {
	readonly model: ModelPackage;
	readonly trainSeconds: number;
	/** Of the rows after those trained on, by detector: `own` (what the page would train), `vote`, its members, `class_model`. */
	readonly verdicts: ReadonlyMap<string, readonly Verdict[]>;
}

/** Rejects with `not-enough-data` where the machine ran too little, while it was learnt, for all members. */
export async function watchOwn(engine: Engine, source: LevelSource, job: OwnJob): Promise<OwnAnswer> {
	const { machine, sensorNames, kinds, stepMs, rows } = source;
	const training = rows.slice(0, job.trainRows);
	const trainedUntil = training.at(-1)!.time;
	const data = { sensorNames, kinds, stepMs, recordings: [training] };
	const trainingJob = {
		id: `${machine}-${job.seed}`,
		target: { machineId: machine },
		origin: 'trained-here' as const,
		createdAt: trainedUntil,
		description: `${training.length} rows of ${machine}`,
		seed: job.seed,
		maxEpochs: job.maxEpochs
	};
	const begin = performance.now();
	const own = withModes(await trainDetector(engine, data, trainingJob), [training], kinds);
	const trainSeconds = (performance.now() - begin) / 1000;
	const vote = own.version.ensemble
		? own
		: withModes(await trainEnsemble(engine, data, trainingJob), [training], kinds);
	const verdicts = new Map<string, Verdict[]>();
	const hear = (detector: string, time: number, verdict: Verdict) => {
		if (time <= trainedUntil) return;
		if (!verdicts.has(detector)) verdicts.set(detector, []);
		verdicts.get(detector)!.push(verdict);
	};
	const judge = (pkg: ModelPackage, detectors: readonly (readonly [string, ModelPackage])[], all: typeof rows) => {
		const predictor = new Predictor(engine, pkg, detectors.length);
		const due = detectors.map(([name, own]) => ({ pipeline: new MachinePipeline(name, own.version), rows: all }));
		try {
			judgeDue(predictor, due, (name, row, verdict) => hear(name, row.time, verdict));
		} finally {
			predictor.dispose();
		}
	};
	const members = vote.version.ensemble?.members ?? [];
	if (members.length < 4)
		throw new MillwrightError('not-enough-data', `${machine} ran too little for all members of a vote`);
	const later = afterTraining({ rows }, trainedUntil).rows;
	judge(own, [['own', own]], later);
	judge(vote, [['vote', vote], ...members.map(({ name }) => [name, withMembers(vote, [name])] as const)], later);
	// It has judged the machine since it was connected, and so knows the machine's own level.
	judge(job.classModel, [['class_model', job.classModel]], rows);
	return { model: own, trainSeconds, verdicts };
}
