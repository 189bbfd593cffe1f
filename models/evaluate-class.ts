/**
 * Training of shipped models: how well a version tells faults from normal running, on machines it has never seen.
 *
 * In: a package and simulated runs. Out: false alarms on healthy machines and the delay to the alarm per fault mode, from the
 * same pipeline that runs in the page.
 */
import type { FaultTruth, ModelPackage } from '../src/lib/contracts';
import { Predictor } from '../src/lib/detection';
import type { Engine } from '../src/lib/neural';
import { MachinePipeline, judgeDue } from '../src/lib/pipeline';
import type { SimulatedRun } from './simulated-rows';

export interface RunOutcome {
	readonly machine: string;
	readonly truth?: FaultTruth;
	readonly rows: number;
	readonly scoredRows: number;
	readonly anomalousRows: number;
	/** Times alarms were raised. */
	readonly raisedAt: readonly number[];
	/** Leading sensors at the first alarm at or after onset. */
	readonly leading: readonly string[];
	readonly reason?: string;
	/** Largest score (before onset, for a faulty run). */
	readonly peakNormalScore: number;
	readonly medianScore: number;
}

export function evaluateRuns(engine: Engine, pkg: ModelPackage, runs: readonly SimulatedRun[]): RunOutcome[] {
	const predictor = new Predictor(engine, pkg, Math.max(1, runs.length));
	try {
		const pipelines = runs.map((run, i) => new MachinePipeline(`${i}`, pkg.version));
		const outcomes = runs.map((run) => ({
			run,
			scored: [] as number[],
			anomalous: 0,
			raised: [] as number[],
			leading: [] as string[],
			reason: undefined as string | undefined,
			peak: 0
		}));
		judgeDue(
			predictor,
			pipelines.map((pipeline, i) => ({ pipeline, rows: runs[i]!.rows })),
			(id, row, verdict) => {
				const outcome = outcomes[Number(id)]!;
				const { score } = verdict.detected;
				if (Number.isNaN(score)) return;
				outcome.scored.push(score);
				if (verdict.detected.anomalous) outcome.anomalous++;
				const onset = outcome.run.truth?.onset ?? Number.POSITIVE_INFINITY;
				if (row.time < onset) outcome.peak = Math.max(outcome.peak, score);
				if (verdict.alarmChange?.kind === 'raise') {
					outcome.raised.push(row.time);
					if (row.time >= onset && outcome.leading.length === 0) {
						outcome.leading.push(...verdict.report.contributors.slice(0, 2).map(({ sensorName }) => sensorName));
						outcome.reason = verdict.alarmChange.alarm.reason;
					} else if (row.time < onset) outcome.reason ??= verdict.alarmChange.alarm.reason;
				}
			}
		);
		return outcomes.map(({ run, scored, anomalous, raised, leading, reason, peak }) => ({
			machine: run.machine,
			truth: run.truth,
			rows: run.rows.length,
			scoredRows: scored.length,
			anomalousRows: anomalous,
			raisedAt: raised,
			leading,
			reason,
			peakNormalScore: peak,
			medianScore: scored.sort((a, b) => a - b)[scored.length >> 1] ?? Number.NaN
		}));
	} finally {
		predictor.dispose();
	}
}
