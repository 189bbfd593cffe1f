/**
 * Inference: scores stretches of stored history that live scoring has not seen, in the background.
 *
 * In: holes in what has been scored. Out: scores, health and spans at their own times; no alarms, since nobody can act on the
 * past. Machines that share a model are run together, a few hundred rows at a time, so that live readings never wait long.
 */
import {
	type Adaptation,
	type AnomalySpan,
	type FailureLibrary,
	type JudgingBasis,
	type MachineId
} from '../../contracts';
import { leadInRowsOf, type RowPredictor, type ScoreDay } from '../../detection';
import { Resampler, type AlignedRow } from '../../manipulation';
import { MachinePipeline, judgeDue } from '../../pipeline';
import type { LevelPoint } from '../../prognostics';
import type { Store } from '../../storage/store';
import { readRowsOf } from '../read-rows';
import type { Interval } from './scored-intervals';
import type { VerdictWriter } from './verdict-writer';

/** Rows read from storage at a time, and judged at a time. */
const readRows = 900;
const judgeRows = 240;

export interface HistoryTask {
	readonly machineId: MachineId;
	readonly basis: JudgingBasis;
	readonly predictor: RowPredictor;
	readonly hole: Interval;
	readonly phase: number | undefined;
	readonly adaptation: Adaptation;
	/** What is known of failures of its kind: the machine's course is followed for it. */
	readonly failures: FailureLibrary | undefined;
}

/** What a stretch of history showed. */
export interface JudgedPast {
	readonly days: readonly ScoreDay[];
	readonly course: readonly LevelPoint[];
	/** Only at the end: before, the anomaly may go on in what is still to be looked at. */
	readonly openSpan?: AnomalySpan;
}

/**
 * Scores the holes of machines that share one predictor. `proceed` is asked between slices and may wait; false stops.
 * Gives what each machine has come to at the end of its hole: a span still open, the tail of its scores, the course of its levels. Stopped before,
 * what it had come to where it is marked as scored, which will not be looked at again.
 */
export async function scoreHistory(
	store: Store,
	writer: VerdictWriter,
	tasks: readonly HistoryTask[],
	proceed: () => Promise<boolean>
): Promise<Map<MachineId, JudgedPast>> {
	const runs = tasks.map((task) => {
		const version = task.basis;
		const lane = `${task.machineId}\u0000history`;
		const pipeline = new MachinePipeline(task.machineId, version);
		pipeline.adapted.set(task.adaptation);
		if (task.failures) pipeline.followCourse(task.failures);
		return {
			task,
			lane,
			version,
			pipeline,
			resampler: new Resampler({ sensorNames: version.scaler.sensorNames, stepMs: version.stepMs, phase: task.phase }),
			at: task.hole[0] - leadInRowsOf(version) * version.stepMs,
			done: task.hole[0],
			past: undefined as JudgedPast | undefined
		};
	});
	try {
		while (runs.some((run) => run.at < run.task.hole[1])) {
			const due: { run: (typeof runs)[number]; rows: AlignedRow[] }[] = [];
			for (const run of runs) {
				if (run.at >= run.task.hole[1]) continue;
				const to = Math.min(run.task.hole[1], run.at + readRows * run.version.stepMs);
				const rows = await readRowsOf(store, run.task.machineId, run.resampler, run.at, to);
				run.at = to + 1;
				due.push({ run, rows });
			}
			const most = Math.max(0, ...due.map(({ rows }) => rows.length));
			for (let start = 0; start < most; start += judgeRows) {
				if (!(await proceed())) return byMachine(runs);
				judgeDue(
					due[0]!.run.task.predictor,
					due.map(({ run, rows }) => ({
						pipeline: run.pipeline,
						lane: run.lane,
						rows: rows.slice(start, start + judgeRows)
					})),
					(machineId, row, verdict) => {
						const run = runs.find(({ task }) => task.machineId === machineId)!;
						const [from, to] = run.task.hole;
						if (row.time > from && row.time < to) writer.add(machineId, verdict, { alarms: false });
						else if (row.time <= from) run.pipeline.tail.forget();
					}
				);
			}
			for (const { run } of due) {
				run.done = Math.min(run.at, run.task.hole[1]);
				run.past = pastOf(run.pipeline);
				writer.markScored(run.task.machineId, [run.task.hole[0], run.done], run.version.stepMs, undefined);
			}
			await writer.flush();
		}
	} finally {
		for (const { task, lane } of runs) task.predictor.leave(lane);
	}
	for (const run of runs) run.past = { ...pastOf(run.pipeline), openSpan: run.pipeline.openSpan };
	return byMachine(runs);
}

function byMachine(
	runs: readonly { readonly task: HistoryTask; readonly past: JudgedPast | undefined }[]
): Map<MachineId, JudgedPast> {
	return new Map(runs.flatMap(({ task, past }) => (past ? [[task.machineId, past]] : [])));
}

/** So far. Peaks that wait count, unless an anomaly stands, whose beginning they may be. */
function pastOf({ tail, openSpan, course }: MachinePipeline): JudgedPast {
	return { days: openSpan ? tail.record.days : tail.endedDays, course };
}
