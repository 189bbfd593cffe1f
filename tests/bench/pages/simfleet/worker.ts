/**
 * Worker of `npm run bench:simfleet`: simulated machines through the product's own resampler, predictor and pipeline.
 *
 * In: a class with its model. Out: labelled windows, alarms, delays, and which sensors were named.
 */
import type { FaultTruth, JudgingBasis, ModelPackage } from '$lib/contracts';
import { explainRows, isStopped, Predictor, sharesOf } from '$lib/detection';
import type { AlignedRow } from '$lib/manipulation';
import { startEngine } from '$lib/neural';
import { judgeDue, MachinePipeline, type Verdict } from '$lib/pipeline';
import { simulate, stepMs, type SimulatedRun } from '../../../../models/simulated-rows';
import { machineClasses } from '../../../../simulator';
import type { ClassOutcome, ClassTask, FaultOutcome } from './protocol';
import { ThresholdFollower } from './threshold-follower';
import { DriftWatch, driftGrowthMinutes, driftHours, driftOnsetMinutes } from './watch-drift';
import { rowsFor, watchLevels } from './watch-levels';

const windowRows = 60;
const onsetMinutes = 15;
const growthMinutes = 40;
const startTime = Date.UTC(2026, 5, 1);
const engine = startEngine({ backends: ['wasm', 'cpu'], purpose: 'scoring' });

interface Judged {
	/** The hour that is judged. */
	readonly run: SimulatedRun;
	readonly verdicts: readonly Verdict[];
	readonly basis: JudgingBasis;
}

self.onmessage = ({ data }: MessageEvent<ClassTask>) =>
	void run(data).then(
		(outcome) => self.postMessage(outcome),
		(error: unknown) => self.postMessage({ error: String((error as Error).stack ?? error) })
	);

async function run(task: ClassTask): Promise<ClassOutcome> {
	const begin = performance.now();
	const { version } = task;
	const pkg: ModelPackage = { version, weights: task.weights };
	const { sensorNames } = version.scaler;
	const plant = (machines: number, hours: number, seed: number, faults: Parameters<typeof simulate>[0]['faults']) =>
		simulate({ machineClass: task.machineClass, machines, hours, seed, startTime, faults, sensorNames });
	const windows = { labels: [] as (0 | 1)[], flagged: [] as (0 | 1)[], scores: [] as number[], sigmas: [] as number[] };
	let unscored = 0;
	let rows = 0;
	const faults: FaultOutcome[] = [];
	const lead = task.levelsAfterHours;
	const cut = ({ run: { rows: all, truth }, verdicts, basis }: Judged) => {
		for (let end = windowRows; end <= all.length; end += windowRows) {
			const label = labelOf(truth, all[end - windowRows]!.time, all[end - 1]!.time);
			if (label === undefined) continue;
			const part = verdicts.slice(end - windowRows, end);
			const scores = part.map(({ detected }) => detected.score).filter((score) => !Number.isNaN(score));
			if (scores.length < windowRows / 2) {
				unscored++;
				continue;
			}
			windows.labels.push(label);
			windows.flagged.push(part.some(({ report }) => report.anomalous) ? 1 : 0);
			windows.scores.push(Math.max(...scores));
			windows.sigmas.push(sigmaOf(basis, all.slice(end - windowRows, end)));
		}
	};
	for (const [f, fault] of task.faults.entries()) {
		const lines = Array.from({ length: task.faultMachines }, (_, machine) => ({
			machine,
			fault,
			onset: lead * 60 + onsetMinutes,
			growth: growthMinutes
		}));
		const judged = judge(await engine, task, pkg, plant(task.faultMachines, lead + 1, task.seed + 1 + f, lines));
		judged.forEach((one) => {
			rows += one.run.rows.length;
			cut(one);
		});
		faults.push(await outcomeOf(fault, lead > 0 ? undefined : pkg, judged));
	}
	for (const one of judge(await engine, task, pkg, plant(task.healthyMachines, lead + 1, task.seed + 500, undefined))) {
		rows += one.run.rows.length;
		cut(one);
	}

	let watchedHours = 0;
	let falseAlarms = 0;
	let falseAlarmsSigma = 0;
	let newModeHours = 0;
	const falseReasons: string[] = [];
	const factors: number[] = [];
	// In pieces of a few machines: a day of one is 86,400 rows.
	for (let first = 0; first < task.longMachines; first += 4) {
		const machines = Math.min(4, task.longMachines - first);
		const outage = [
			{ machine: 3, fault: 'link-dropout', onset: 10, growth: 30 },
			{ machine: 3, fault: 'link-dropout', onset: 300, growth: 60 }
		];
		const runs = plant(machines, task.longHours, task.seed + 700 + first, outage);
		// Nothing is kept of a day of verdicts but what is counted.
		const count = ({ alarmChange, detected }: Verdict) => {
			if (detected.unscored === 'new-mode') newModeHours += stepMs / 3_600_000;
			if (alarmChange?.kind !== 'raise') return;
			falseAlarms++;
			falseReasons.push(`${task.machineClass}: ${alarmChange.alarm.reason}`);
		};
		if (lead > 0) {
			for (const run of runs) {
				const watched = watchLevels(sourceOf(task, run), (_, verdict) => count(verdict));
				rows += run.rows.length;
				if (!watched) continue;
				watchedHours += ((run.rows.length - watched.from) * stepMs) / 3_600_000;
				falseAlarmsSigma += sigmaAlarms(
					watched.first,
					rowsFor(watched.first, version.scaler.sensorNames, run.rows.slice(watched.from))
				);
			}
			continue;
		}
		const followers = runs.map(() => new ThresholdFollower(task.chosenPerWeek));
		judgeRuns(await engine, pkg, runs, (run, verdict, pipeline) => {
			count(verdict);
			if (task.chosenPerWeek > 0) followers[run]!.follow(verdict, pipeline);
		});
		factors.push(...followers.map(({ factor }) => factor));
		for (const run of runs) {
			rows += run.rows.length;
			watchedHours += (run.rows.length * stepMs) / 3_600_000;
			falseAlarmsSigma += sigmaAlarms(version, run.rows);
		}
	}
	const drifting = Array.from({ length: task.driftMachines }, (_, machine) => ({
		...{ machine, fault: 'sensor-drift' },
		...{ onset: driftOnsetMinutes, growth: driftGrowthMinutes }
	}));
	const drifts: DriftWatch[] = [];
	if (drifting.length > 0) {
		const runs = plant(2 * drifting.length, driftHours, task.seed + 900, drifting);
		const kindOf = (name: string) => sensorsOf(task).find((sensor) => sensor.name === name)?.kind;
		drifts.push(...runs.map(({ truth }) => new DriftWatch(truth, version.id, kindOf)));
		judgeRuns(await engine, pkg, runs, (run, verdict) => drifts[run]!.take(verdict));
		for (const run of runs) rows += run.rows.length;
	}
	return {
		windows: { ...windows, unscored },
		faults,
		watchedHours,
		falseAlarms,
		falseAlarmsSigma,
		falseReasons: falseReasons.slice(0, 5),
		newModeHours,
		factors,
		drifts: drifts.map(({ outcome }) => outcome),
		rows,
		seconds: (performance.now() - begin) / 1000,
		backend: (await engine).report.backend
	};
}

function sourceOf(task: ClassTask, { machine, rows }: SimulatedRun) {
	const { sensorNames } = task.version.scaler;
	const sensors = sensorsOf(task);
	const kinds = sensorNames.map((name) => sensors.find((sensor) => sensor.name === name)!.kind);
	return { machine, sensorNames, kinds, stepMs, rows };
}

function sensorsOf({ machineClass }: ClassTask) {
	return machineClasses.find(({ id }) => id === machineClass)!.sensors;
}

function judge(
	loaded: Awaited<typeof engine>,
	task: ClassTask,
	pkg: ModelPackage,
	runs: readonly SimulatedRun[]
): Judged[] {
	if (task.levelsAfterHours > 0)
		return runs.flatMap((run) => {
			const verdicts: Verdict[] = [];
			const first = run.rows.findIndex(({ time }) => time >= run.rows[0]!.time + task.levelsAfterHours * 3_600_000);
			const watched = watchLevels(sourceOf(task, run), (row, verdict) => {
				if (row >= first) verdicts.push(verdict);
			});
			if (!watched || watched.from > first) return [];
			return [
				{
					run: { ...run, rows: rowsFor(watched.first, task.version.scaler.sensorNames, run.rows.slice(first)) },
					verdicts,
					basis: watched.first
				}
			];
		});
	const verdicts = runs.map(() => [] as Verdict[]);
	judgeRuns(loaded, pkg, runs, (run, verdict) => verdicts[run]!.push(verdict));
	return runs.map((run, i) => ({ run, verdicts: verdicts[i]!, basis: pkg.version }));
}

function judgeRuns(
	loaded: Awaited<typeof engine>,
	pkg: ModelPackage,
	runs: readonly SimulatedRun[],
	onVerdict: (run: number, verdict: Verdict, pipeline: MachinePipeline) => void
): void {
	const predictor = new Predictor(loaded, pkg, Math.max(1, runs.length));
	const due = runs.map(({ rows }, i) => ({ pipeline: new MachinePipeline(`${i}`, pkg.version), rows }));
	try {
		judgeDue(predictor, due, (id, _, verdict) => onVerdict(Number(id), verdict, due[Number(id)]!.pipeline));
	} finally {
		predictor.dispose();
	}
}

/** 1: a fault that could be told, all through; 0: none; undefined: it is too small yet, or the machine has failed. */
function labelOf(truth: FaultTruth | undefined, from: number, to: number): 0 | 1 | undefined {
	if (!truth || truth.fault === 'link-dropout' || to < truth.onset) return 0;
	return from >= truth.detectableFrom && to <= truth.timeOfEvent ? 1 : undefined;
}

/** Largest distance of a sensor's window mean from the training mean, in its deviations; 0 while stopped. */
function sigmaOf({ scaler, calibration }: JudgingBasis, rows: readonly AlignedRow[]): number {
	const running = rows.filter(({ values }) => !isStopped(calibration.stoppedBelow, values));
	let most = 0;
	scaler.mean.forEach((mean, i) => {
		const values = running.map((row) => row.values[i]!).filter((value) => !Number.isNaN(value));
		if (values.length === 0) return;
		const level = values.reduce((sum, value) => sum + value, 0) / values.length;
		most = Math.max(most, Math.abs(level - mean) / scaler.deviation[i]!);
	});
	return most;
}

/** Times that the floor would have begun to alarm. */
function sigmaAlarms(basis: JudgingBasis, rows: readonly AlignedRow[]): number {
	let alarms = 0;
	let before = false;
	for (let end = windowRows; end <= rows.length; end += windowRows) {
		const above = sigmaOf(basis, rows.slice(end - windowRows, end)) > 3;
		if (above && !before) alarms++;
		before = above;
	}
	return alarms;
}

async function outcomeOf(
	fault: string,
	pkg: ModelPackage | undefined,
	judged: readonly Judged[]
): Promise<FaultOutcome> {
	const delays: number[] = [];
	const completenessErrors: number[] = [];
	let topTwoShare = 0;
	let topTwoGradients = 0;
	for (const { run, verdicts } of judged) {
		const { truth } = run;
		if (!truth) continue;
		const at = verdicts.findIndex(
			({ alarmChange, report }) =>
				alarmChange?.kind === 'raise' && report.time >= truth.onset && report.time <= truth.timeOfEvent
		);
		if (at < 0) continue;
		const { report } = verdicts[at]!;
		delays.push((report.time - truth.detectableFrom) / 1000);
		const named = (names: readonly string[]) => names.slice(0, 2).some((name) => truth.affectedSensors.includes(name));
		if (named(report.contributors.map(({ sensorName }) => sensorName))) topTwoShare++;
		const found = pkg && (await explainRows(pkg, run.rows, at));
		if (!found) continue;
		completenessErrors.push(found.completenessError);
		if (named(sharesOf(found).map(({ sensorName }) => sensorName))) topTwoGradients++;
	}
	return { fault, runs: judged.length, delays, topTwoShare, topTwoGradients, completenessErrors };
}
