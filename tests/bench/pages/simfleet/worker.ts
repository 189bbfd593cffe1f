/**
 * Worker of `npm run bench:simfleet`: simulated machines through the product's own resampler, predictor and pipeline.
 *
 * In: a class with its model. Out: labelled windows, alarms, delays, and which sensors were named.
 */
import { MillwrightError, type ModelPackage } from '$lib/contracts';
import { explainRows, Predictor, sharesOf } from '$lib/detection';
import { startEngine } from '$lib/neural';
import { judgeDue, MachinePipeline, type Verdict } from '$lib/pipeline';
import { simulate, stepMs, type SimulatedRun } from '../../../../models/simulated-rows';
import { machineClasses } from '../../../../simulator';
import type { ClassOutcome, ClassTask, FaultOutcome } from './protocol';
import { alarmOf, sigmaAlarms, Tally, type Judged } from './tally';
import { ThresholdFollower } from './threshold-follower';
import { DriftWatch, driftGrowthMinutes, driftHours, driftOnsetMinutes } from './watch-drift';
import { rowsFor, watchLevels } from './watch-levels';
import { watchOwn } from './watch-own';

const onsetMinutes = 15;
const growthMinutes = 40;
const startTime = Date.UTC(2026, 5, 1);
const engine = startEngine({ backends: ['wasm', 'cpu'], purpose: 'scoring' });

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
	const tally = new Tally();
	let rows = 0;
	let trained = 0;
	let trainSeconds = 0;
	const faults: FaultOutcome[] = [];
	const lead = Math.max(task.levelsAfterHours, task.ownAfterHours);
	const take = (judged: readonly Judged[]) => {
		for (const one of judged) {
			rows += one.run.rows.length;
			tally.cut(one);
		}
		return judged;
	};
	const ownOf = async (run: SimulatedRun) => {
		try {
			const answer = await watchOwn(await engine, sourceOf(task, run), {
				classModel: pkg,
				trainRows: rowsUntil(run, lead),
				...{ seed: 1, maxEpochs: task.maxEpochs }
			});
			trained++;
			trainSeconds += answer.trainSeconds;
			return answer;
		} catch (error) {
			if (error instanceof MillwrightError && error.code === 'not-enough-data') return undefined;
			throw error;
		}
	};
	const judgeAll = async (runs: readonly SimulatedRun[]): Promise<readonly Judged[]> => {
		if (task.ownAfterHours === 0) return take(judge(await engine, task, pkg, runs));
		const judged: Judged[] = [];
		for (const run of runs) {
			const answer = await ownOf(run);
			if (!answer) continue;
			const beside = new Map(answer.verdicts);
			beside.delete('own');
			const hour = { ...run, rows: run.rows.slice(rowsUntil(run, lead)) };
			judged.push({ run: hour, verdicts: answer.verdicts.get('own') ?? [], beside, basis: answer.model.version });
		}
		return take(judged);
	};
	for (const [f, fault] of task.faults.entries()) {
		const lines = Array.from({ length: task.faultMachines }, (_, machine) => ({
			machine,
			fault,
			onset: lead * 60 + onsetMinutes,
			growth: growthMinutes
		}));
		const judged = await judgeAll(plant(task.faultMachines, lead + 1, task.seed + 1 + f, lines));
		faults.push(await outcomeOf(fault, lead > 0 ? undefined : pkg, judged));
	}
	await judgeAll(plant(task.healthyMachines, lead + 1, task.seed + 500, undefined));

	let watchedHours = 0;
	let falseAlarms = 0;
	let falseAlarmsSigma = 0;
	let newModeHours = 0;
	const falseReasons: string[] = [];
	// Of the healthy: spans, most of which pass before they are an alarm.
	const falseFindings = new Set<string>();
	const factors: number[] = [];
	// In pieces of a few machines: a day of one is 86,400 rows.
	for (let first = 0; first < task.longMachines; first += 4) {
		const machines = Math.min(4, task.longMachines - first);
		const outage = [
			{ machine: 3, fault: 'link-dropout', onset: 10, growth: 30 },
			{ machine: 3, fault: 'link-dropout', onset: 300, growth: 60 }
		];
		const runs = plant(machines, task.longHours + task.ownAfterHours, task.seed + 700 + first, outage);
		// Nothing is kept of a day of verdicts but what is counted.
		const count = (machine: string, { alarmChange, detected, span }: Verdict) => {
			if (span) falseFindings.add(`${first} ${machine} ${span.start}`);
			if (detected.unscored === 'new-mode') newModeHours += stepMs / 3_600_000;
			if (alarmChange?.kind !== 'raise') return;
			falseAlarms++;
			falseReasons.push(`${task.machineClass}: ${alarmChange.alarm.reason}`);
		};
		if (task.ownAfterHours > 0) {
			for (const run of runs) {
				const answer = await ownOf(run);
				rows += run.rows.length;
				if (!answer) continue;
				const from = rowsUntil(run, lead);
				watchedHours += ((run.rows.length - from) * stepMs) / 3_600_000;
				for (const [name, verdicts] of answer.verdicts)
					for (const verdict of verdicts) {
						if (name === 'own') count(run.machine, verdict);
						else tally.countFalse(name, verdict);
					}
				falseAlarmsSigma += sigmaAlarms(answer.model.version, run.rows.slice(from));
			}
			continue;
		}
		if (lead > 0) {
			for (const run of runs) {
				const watched = watchLevels(sourceOf(task, run), (_, verdict) => count(run.machine, verdict));
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
			count(runs[run]!.machine, verdict);
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
		windows: tally.windows,
		beside: tally.beside,
		...{ trained, trainSeconds },
		faults,
		watchedHours,
		falseAlarms,
		falseFindings: falseFindings.size,
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

/** Of its first so many hours. */
function rowsUntil({ rows }: SimulatedRun, hours: number): number {
	const first = rows.findIndex(({ time }) => time >= rows[0]!.time + hours * 3_600_000);
	return first < 0 ? rows.length : first;
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
			const first = rowsUntil(run, task.levelsAfterHours);
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
		const raised = alarmOf(verdicts, truth);
		if (!raised) continue;
		const { report } = raised;
		delays.push((report.time - truth.detectableFrom) / 1000);
		const named = (names: readonly string[]) => names.slice(0, 2).some((name) => truth.affectedSensors.includes(name));
		if (named(report.contributors.map(({ sensorName }) => sensorName))) topTwoShare++;
		const found = pkg && (await explainRows(pkg, run.rows, verdicts.indexOf(raised)));
		if (!found) continue;
		completenessErrors.push(found.completenessError);
		if (named(sharesOf(found).map(({ sensorName }) => sensorName))) topTwoGradients++;
	}
	return { fault, runs: judged.length, delays, topTwoShare, topTwoGradients, completenessErrors };
}
