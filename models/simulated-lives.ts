/**
 * Lives of simulated machines, run to failure on an accelerated clock, judged by the product's pipeline.
 *
 * In: a class, a seed, how many lives per fault. Out: machines whose fault begins after days of normal running and grows for weeks, and
 * healthy ones beside them, row by row. A second of the plant's physics stands for a quarter of an hour of its clock, in rows and model alike:
 * fouling and wear take weeks, and a day is 96 rows.
 */
import { machineClasses, type ScenarioFault } from '../simulator';
import type { EpochMs, FailureLibrary, MachineClassId, ModelPackage } from '../src/lib/contracts';
import { Predictor } from '../src/lib/detection';
import type { Engine } from '../src/lib/neural';
import { randomFrom, seedOf } from '../src/lib/neural/random';
import type { AlignedRow } from '../src/lib/manipulation';
import { MachinePipeline, judgeDue, type Verdict } from '../src/lib/pipeline';
import { simulate, stepMs } from './simulated-rows';

/** Times as fast as the physics. */
const acceleration = 900;
export const dayMs = 86_400_000;
/** The time from one row to the next. */
export const rowMs = stepMs * acceleration;
const rowsPerDay = dayMs / rowMs;
/** Days of normal running before a fault begins, and how long it grows (evenly in the logarithm). */
const onsetDays: readonly [number, number] = [3, 10];
const growthDays: readonly [number, number] = [8, 32];
const healthyDays = 30;
/** Machines simulated at a time: bounds memory. */
const atOnce = 8;
const plantStart = Date.UTC(2026, 0, 5, 6);

export interface PlannedLife {
	readonly fault: string | undefined;
	readonly start: EpochMs;
	/** On the plant's clock; both undefined on a healthy machine. */
	readonly onset: EpochMs | undefined;
	readonly failure: EpochMs | undefined;
	readonly end: EpochMs;
	readonly seed: number;
}

/** What is planned for the machines of a class; the same seed gives the same lives. */
export function planLives(
	machineClass: MachineClassId,
	seed: number,
	perFault: number,
	healthy: number
): PlannedLife[] {
	const { faults } = machineClasses.find(({ id }) => id === machineClass)!;
	const lives: PlannedLife[] = [];
	faults.forEach(({ id }, f) => {
		for (let i = 0; i < perFault; i++) {
			const own = seedOf(seed, f, i);
			const random = randomFrom(own);
			const onset = plantStart + between(onsetDays, random()) * dayMs;
			const growth = Math.exp(between([Math.log(growthDays[0]), Math.log(growthDays[1])], random()));
			const failure = onset + growth * dayMs;
			lives.push({ fault: id, start: plantStart, onset, failure, end: failure, seed: own });
		}
	});
	for (let i = 0; i < healthy; i++)
		lives.push({
			fault: undefined,
			start: plantStart,
			onset: undefined,
			failure: undefined,
			end: plantStart + healthyDays * dayMs,
			seed: seedOf(seed, 900, i)
		});
	return lives;
}

/** Judges every row of every life; `library` is what the pipeline knows of failures, if anything. */
export function judgeLives(
	engine: Engine,
	machineClass: MachineClassId,
	pkg: ModelPackage,
	lives: readonly PlannedLife[],
	library: FailureLibrary | undefined,
	onVerdict: (life: number, verdict: Verdict, row: AlignedRow) => void
): void {
	const { sensorNames } = pkg.version.scaler;
	// The model's clock runs as fast as the plant's.
	const version = { ...pkg.version, stepMs: pkg.version.stepMs * acceleration };
	const order = lives.map((_, i) => i).sort((a, b) => lives[a]!.end - lives[b]!.end);
	for (let first = 0; first < order.length; first += atOnce) {
		const part = order.slice(first, first + atOnce);
		const predictor = new Predictor(engine, { ...pkg, version }, part.length);
		try {
			const due = part.map((life) => {
				const { onset, failure, end, seed } = lives[life]!;
				const minutes = (from: EpochMs, to: EpochMs) => (to - from) / acceleration / 60_000;
				const faults: ScenarioFault[] =
					onset === undefined || failure === undefined
						? []
						: [
								{
									machine: 0,
									fault: lives[life]!.fault!,
									onset: minutes(plantStart, onset),
									growth: minutes(onset, failure)
								}
							];
				const [run] = simulate({
					machineClass,
					machines: 1,
					seed,
					hours: (((end - plantStart) / dayMs) * rowsPerDay * stepMs) / 3_600_000,
					startTime: plantStart,
					faults,
					sensorNames
				});
				const rows = run!.rows.map((row) => ({ ...row, time: plantStart + (row.time - plantStart) * acceleration }));
				const pipeline = new MachinePipeline(`${life}`, version);
				if (library) pipeline.learnFailures(library);
				return { pipeline, rows };
			});
			judgeDue(predictor, due, (id, row, verdict) => onVerdict(Number(id), verdict, row));
		} finally {
			predictor.dispose();
		}
	}
}

const between = ([low, high]: readonly [number, number], share: number) => low + (high - low) * share;
