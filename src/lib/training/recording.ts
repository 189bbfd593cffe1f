/**
 * Training: a recording judged by a model trained on its own beginning.
 *
 * In: aligned rows and how many of the first are normal. Out: a verdict per row and the alarms, by the same training and the
 * same pipeline as in the page. Used to measure on recordings whose faults are labelled.
 */
import type { Alarm, EpochMs, MemberName, ModelPackage, SensorKind } from '../contracts';
import { Predictor, movingMeansLeadInRows } from '../detection';
import type { AlignedRow } from '../manipulation';
import type { Engine } from '../neural/engine';
import { MachinePipeline, judgeDue } from '../pipeline';
import { trainDetector } from './train-detector';

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
	readonly trainSeconds: number;
	/** Every row after those trained on, and the last of these, on which networks and moving means warm up. */
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
	const before = performance.now();
	const training = rows.filter(({ time }) => time <= trainUntil);
	const model = await trainDetector(
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
	const trainSeconds = (performance.now() - before) / 1000;
	return { model, trainSeconds, ...judgeWith(engine, model, afterTraining(recording, trainUntil)) };
}

/** The recording from a little before the end of training: rows trained on are judged again, so that the first after them finds warm networks. */
export function afterTraining<T extends Pick<Recording, 'rows'>>(recording: T, trainUntil: EpochMs): T {
	const end = recording.rows.findIndex(({ time }) => time > trainUntil);
	return end < 0 ? recording : { ...recording, rows: recording.rows.slice(Math.max(0, end - movingMeansLeadInRows)) };
}

/** Judges all rows with a model; `only` leaves the vote to these members. */
export function judgeWith(
	engine: Engine,
	pkg: ModelPackage,
	recording: Pick<Recording, 'name' | 'rows'>,
	only?: readonly MemberName[]
): Pick<JudgedRecording, 'rows' | 'alarms'> {
	const model = only ? withMembers(pkg, only) : pkg;
	const predictor = new Predictor(engine, model, 1);
	const pipeline = new MachinePipeline(recording.name, model.version);
	const judged: JudgedRow[] = [];
	const alarms: Alarm[] = [];
	try {
		judgeDue(predictor, [{ pipeline, rows: recording.rows }], (_, row, { detected, alarmChange }) => {
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
	return { rows: judged, alarms };
}

/** The same version, its vote left to these members. */
export function withMembers({ version, weights }: ModelPackage, names: readonly MemberName[]): ModelPackage {
	const { ensemble } = version;
	if (!ensemble) return { version, weights };
	const members = ensemble.members.filter(({ name }) => names.includes(name));
	return { version: { ...version, ensemble: { ...ensemble, members } }, weights };
}
