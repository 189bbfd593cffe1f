/**
 * Lives as they were measured and judged, kept to learn from. In: simulated lives, judged by a version. Out: their rows and which of them
 * had a score; levels of their sensors in averages, as the product's prognosis keeps them.
 */
import type { EpochMs, LevelExpectation, MachineClassId, ModelPackage } from '../src/lib/contracts';
import type { Engine } from '../src/lib/neural';
import {
	ScoreHistory,
	SensorLevels,
	levelPoints,
	residualUnits,
	residualsOf,
	type LevelPoint
} from '../src/lib/prognostics';
import { judgeLives, type PlannedLife } from './simulated-lives';

export interface RecordedLife {
	readonly plan: PlannedLife;
	readonly times: Float64Array;
	/** Row-major [rows, sensors], own units. */
	readonly values: Float32Array;
	/** Row-major [rows, sensors]: what the version expected less what came, as `residualsOf` has it. */
	readonly residuals: Float32Array;
	/** Per row: its score; NaN where it had none. */
	readonly scores: Float32Array;
}

export function recordLives(
	engine: Engine,
	machineClass: MachineClassId,
	pkg: ModelPackage,
	plans: readonly PlannedLife[]
): RecordedLife[] {
	const units = residualUnits(pkg.version);
	const rows = plans.map(() => ({
		times: [] as number[],
		values: [] as number[],
		residuals: [] as number[],
		scores: [] as number[]
	}));
	judgeLives(engine, machineClass, pkg, plans, undefined, (life, { report }, row) => {
		const into = rows[life]!;
		into.times.push(row.time);
		for (let i = 0; i < row.values.length; i++) into.values.push(row.values[i]!);
		into.residuals.push(...residualsOf(report, pkg.version.scaler.sensorNames, units));
		into.scores.push(report.score);
	});
	return plans.map((plan, i) => ({
		plan,
		times: Float64Array.from(rows[i]!.times),
		values: Float32Array.from(rows[i]!.values),
		residuals: Float32Array.from(rows[i]!.residuals),
		scores: Float32Array.from(rows[i]!.scores)
	}));
}

/** Calls for each scored row before the fault began, `levels` having taken it. */
export function normalRows(life: RecordedLife, levels: SensorLevels, onRow: (time: EpochMs) => void): void {
	eachRow(life, levels, (_, time) => {
		if (time < (life.plan.onset ?? Infinity)) onRow(time);
	});
}

function eachRow(
	{ times, values, scores }: RecordedLife,
	levels: SensorLevels,
	onRow: (row: number, time: EpochMs) => void
) {
	const sensors = values.length / times.length;
	for (let r = 0; r < times.length; r++) {
		levels.take(values.subarray(r * sensors, (r + 1) * sensors), r === 0);
		if (!Number.isNaN(scores[r]!) && !levels.warmingUp) onRow(r, times[r]!);
	}
}

/** Averages of the levels over `binMs`, oldest first: `rowMs` is the life's clock. */
export function averagedLevels(life: RecordedLife, expectation: LevelExpectation, binMs: number): LevelPoint[] {
	const { times } = life;
	const bins = times.length > 0 ? Math.ceil((times.at(-1)! - times[0]!) / binMs) + 1 : 1;
	const history = new ScoreHistory(binMs, bins);
	const levels = new SensorLevels(expectation);
	const sensors = expectation.mean.length;
	eachRow(life, levels, (row, time) =>
		history.add(time, life.scores[row]!, levels.levels(life.residuals.subarray(row * sensors, (row + 1) * sensors)))
	);
	return levelPoints(history.points());
}
