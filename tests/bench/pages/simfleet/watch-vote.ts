/**
 * Simulated machines with a model of their own, trained as the page does on their first hours of running. In: a machine's rows. Out: what the
 * vote, each of its members alone and the model of the machine's class say of every later row.
 */
import { MillwrightError, type ModelPackage } from '$lib/contracts';
import { Predictor } from '$lib/detection';
import type { Engine } from '$lib/neural';
import { MachinePipeline, judgeDue, type Verdict } from '$lib/pipeline';
import { afterTraining, trainEnsemble, withMembers, withModes } from '$lib/training';
import type { LevelSource } from './watch-levels';

export interface VoteJob {
	readonly classModel: ModelPackage;
	/** The first rows, which are trained on. */
	readonly trainRows: number;
	readonly seed: number;
	readonly maxEpochs: number;
}

export interface VoteAnswer {
	readonly model: ModelPackage;
	readonly trainSeconds: number;
	/** Of the rows after those trained on, by detector: `vote`, its members, `class_model`. */
	readonly verdicts: ReadonlyMap<string, readonly Verdict[]>;
}

/** Rejects with `not-enough-data` where the machine ran too little, while it was learnt, for all members. */
export async function watchVote(engine: Engine, source: LevelSource, job: VoteJob): Promise<VoteAnswer> {
	const { machine, sensorNames, kinds, stepMs, rows } = source;
	const training = rows.slice(0, job.trainRows);
	const trainedUntil = training.at(-1)!.time;
	const begin = performance.now();
	const trained = await trainEnsemble(
		engine,
		{ sensorNames, kinds, stepMs, recordings: [training] },
		{
			id: `${machine}-${job.seed}`,
			target: { machineId: machine },
			origin: 'trained-here',
			createdAt: trainedUntil,
			description: `${training.length} rows of ${machine}`,
			seed: job.seed,
			maxEpochs: job.maxEpochs
		}
	);
	const model = withModes(trained, [training], kinds);
	const trainSeconds = (performance.now() - begin) / 1000;
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
	const members = model.version.ensemble?.members ?? [];
	if (members.length < 4)
		throw new MillwrightError('not-enough-data', `${machine} ran too little for all members of a vote`);
	judge(
		model,
		[['vote', model], ...members.map(({ name }) => [name, withMembers(model, [name])] as const)],
		afterTraining({ rows }, trainedUntil).rows
	);
	// It has judged the machine since it was connected, and so knows the machine's own level.
	judge(job.classModel, [['class_model', job.classModel]], rows);
	return { model, trainSeconds, verdicts };
}
