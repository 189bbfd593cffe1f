/**
 * Training: a recording judged by a model trained on its own beginning.
 *
 * In: aligned rows and how many of the first are normal. Out: a verdict per row and the alarms, by the same training and the
 * same pipeline as in the page. Used to measure on recordings whose faults are labelled.
 */
import type { Alarm, EpochMs, ModelPackage, SensorKind } from '../contracts';
import { Predictor } from '../detection';
import type { AlignedRow } from '../manipulation';
import type { Engine } from '../neural/engine';
import { MachinePipeline, judgeDue } from '../pipeline';
import { trainPredictor } from './train-predictor';

export interface Recording {
	readonly name: string;
	readonly sensorNames: readonly string[];
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	readonly rows: readonly AlignedRow[];
}

export interface JudgedRow {
	readonly time: EpochMs;
	/** NaN where no score could be given. */
	readonly score: number;
	readonly anomalous: boolean;
}

export interface JudgedRecording {
	readonly model: ModelPackage;
	/** Every row, those trained on too. */
	readonly rows: readonly JudgedRow[];
	/** As they were raised; `returnedAt` is set on those that ended. */
	readonly alarms: readonly Alarm[];
}

/** Trains on the rows up to `trainUntil` and judges all of them in order. */
export async function judgeRecording(
	engine: Engine,
	recording: Recording,
	trainUntil: EpochMs,
	options: { readonly seed: number; readonly maxEpochs: number; readonly signal?: AbortSignal }
): Promise<JudgedRecording> {
	const { name, sensorNames, kinds, stepMs, rows } = recording;
	const training = rows.filter(({ time }) => time <= trainUntil);
	const model = await trainPredictor(
		engine,
		{ sensorNames, kinds, stepMs, recordings: [training] },
		{
			...options,
			id: `${name}-${options.seed}`,
			target: { machineId: name },
			origin: 'trained-here',
			createdAt: trainUntil,
			description: `first ${training.length} rows of ${name}`
		}
	);
	const predictor = new Predictor(engine, model, 1);
	const pipeline = new MachinePipeline(name, model.version);
	const judged: JudgedRow[] = [];
	const alarms: Alarm[] = [];
	try {
		judgeDue(predictor, [{ pipeline, rows }], (_, row, { detected, alarmChange }) => {
			judged.push({ time: row.time, score: detected.score, anomalous: detected.anomalous });
			if (alarmChange?.kind === 'raise') alarms.push(alarmChange.alarm);
			if (alarmChange?.kind === 'return') {
				const last = alarms.length - 1;
				alarms[last] = { ...alarms[last]!, returnedAt: alarmChange.at };
			}
		});
	} finally {
		predictor.dispose();
	}
	return { model, rows: judged, alarms };
}
