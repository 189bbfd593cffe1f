/**
 * Training: a watch on the levels of a machine that has no model, from rows alone.
 *
 * In: rows of its sensors on its own clock, taken to be healthy. Out: scaler, stop levels and how sensors go with each other; or how many rows
 * are missing. Of a recording too short for that, the normal range of moving means, as the vote's member `levels` has it. Takes some tenths of
 * a second and no backend.
 */
import {
	levelWatchId,
	type Calibration,
	type Ensemble,
	type EpochMs,
	type LevelWatch,
	type MachineId,
	type SensorKind
} from '../contracts';
import { learnJumpLimits, learnRuns, learnStopLevels, learnWatch, isStopped, type RelationStretch } from '../detection';
import { fitScaler, splitSegments, type AlignedRow } from '../manipulation';
import { sensorsToLeaveOut } from './left-out-sensors';
import { flatRows, judgedOf, leastStretch, relationsOf, relationStretches } from './relation-stretches';

/**
 * Running that is learnt from before anything is judged: two hours, in which machines show most of what they do, and 1,000 rows. From half an
 * hour, simulated machines gave several times as many false alarms.
 */
const neededMs = 2 * 3_600_000;
const leastRows = 1_000;
/** Of a recording, to which nothing is added any more, fewer have to do. */
const recordingRows = 400;
/** Rows that one watch is learnt from at most. */
export const mostLevelRows = 28_800;
const growth = 2;

/** Rows that are to pass before a watch is learnt again, from twice as many; Infinity once it rests on all that one may rest on. */
export function rowsUntilGrowth({ rows }: Pick<LevelWatch, 'rows'>): number {
	return rows >= mostLevelRows / growth ? Infinity : rows * (growth - 1);
}

export interface LevelWatchData {
	readonly machineId: MachineId;
	readonly sensorNames: readonly string[];
	/** In `sensorNames` order. */
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	/** In time order. */
	readonly rows: readonly AlignedRow[];
	readonly falseAlarmsPerWeek: number;
	readonly learnedAt: EpochMs;
	/** Of the watch that this one replaces. */
	readonly id?: string;
	/** Nothing more will come: less has to do. */
	readonly recorded?: boolean;
}

/** A watch, or the rows of running there are while they are too few. */
export type LevelWatchOutcome =
	{ readonly watch: LevelWatch } | { readonly watch?: undefined; readonly rows: number; readonly neededRows: number };

/** Rows of running that a watch of this clock needs. */
export function neededLevelRows(stepMs: number, recorded = false): number {
	return recorded ? recordingRows : Math.max(leastRows, Math.ceil(neededMs / stepMs));
}

/** Learns from all rows given. `rows` of the outcome counts those that ran, with every sensor that is watched. */
export function learnLevelWatch(data: LevelWatchData): LevelWatchOutcome {
	const { machineId, stepMs, learnedAt } = data;
	const neededRows = neededLevelRows(stepMs, data.recorded);
	const leftOut = sensorsToLeaveOut(data.sensorNames, data.rows);
	const columns = data.sensorNames.flatMap((name, i) => (leftOut.some((one) => one.sensorName === name) ? [] : [i]));
	const sensorNames = columns.map((i) => data.sensorNames[i]!);
	const kinds = columns.map((i) => data.kinds[i]!);
	if (columns.length === 0) return { rows: 0, neededRows };
	const rows = data.rows.map((row) => ({ ...row, values: Float32Array.from(columns, (i) => row.values[i]!) }));
	const segments = splitSegments(rows, leastStretch);
	const whole = segments.flat();
	const stoppedBelow = learnStopLevels(
		kinds,
		whole.map(({ values }) => values)
	);
	const running = whole.filter(({ values }) => !isStopped(stoppedBelow, values));
	if (running.length < neededRows) return { rows: running.length, neededRows };
	const scaler = fitScaler(sensorNames, running);
	const flat = segments.map((segment) => flatRows(segment, scaler));
	const calibration: Calibration = {
		residualDeviation: kinds.map(() => 1),
		residualMean: kinds.map(() => 0),
		smoothing: 0.05,
		threshold: 1,
		longestRun: learnRuns(flat, columns.length, stoppedBelow),
		stoppedBelow,
		jumpLimit: learnJumpLimits(flat, columns.length),
		warmUpSteps: 0,
		rows: running.length
	};
	const stretches = relationStretches(flat, calibration);
	const judged = judgedOf(stretches);
	if (judged < neededRows / 2) return { rows: judged, neededRows };
	const judges: Pick<LevelWatch, 'relations' | 'ensemble'> =
		judged >= neededLevelRows(stepMs) / 2
			? {
					relations: relationsOf(stretches, kinds, stepMs)
				}
			: { ensemble: levelsAlone(stretches, judged, kinds, data) };
	return {
		watch: {
			id: data.id ?? levelWatchId(machineId, learnedAt),
			target: { machineId },
			stepMs,
			scaler,
			calibration,
			...judges,
			learnedAt,
			from: whole[0]!.time,
			to: whole.at(-1)!.time,
			rows: running.length,
			leftOut
		}
	};
}

/** The vote with no member but the levels. */
function levelsAlone(
	stretches: readonly RelationStretch[],
	rows: number,
	kinds: readonly SensorKind[],
	{ stepMs, falseAlarmsPerWeek }: LevelWatchData
): Ensemble {
	const sensors = kinds.length;
	const kept = stretches.map(({ scaled, judged }) => ({
		rows: judgedOf([{ judged }]),
		values: scaled.filter((_, at) => judged[Math.floor(at / sensors)] === 1)
	}));
	const watch = learnWatch(kept, { kinds, stepMs, falseAlarmsPerWeek });
	return { members: [{ name: 'levels', weight: 1, watch }], reconstructors: [], falseAlarmsPerWeek, rows };
}
