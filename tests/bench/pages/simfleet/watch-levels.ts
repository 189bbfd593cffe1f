/**
 * Simulated machines without a model, watched by their levels as the product does: learnt from the first rows that suffice, again from twice
 * as many while nothing is wrong. In: a machine's rows. Out: a verdict per row since it was first learnt.
 */
import type { LevelWatch, SensorKind } from '$lib/contracts';
import { LastRow, movingMeansLeadInRows } from '$lib/detection';
import type { AlignedRow } from '$lib/manipulation';
import { MachinePipeline, judgeDue, type Verdict } from '$lib/pipeline';
import { learnLevelWatch, mostLevelRows, neededLevelRows, rowsUntilGrowth } from '$lib/training';

const lookEvery = 60;

export interface LevelSource {
	readonly machine: string;
	readonly sensorNames: readonly string[];
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	readonly rows: readonly AlignedRow[];
}

/** Rows with the sensors that a watch knows. */
export function rowsFor(
	{ scaler }: LevelWatch,
	sensorNames: readonly string[],
	rows: readonly AlignedRow[]
): readonly AlignedRow[] {
	if (scaler.sensorNames.length === sensorNames.length) return rows;
	const columns = scaler.sensorNames.map((name) => sensorNames.indexOf(name));
	return rows.map((row) => ({ ...row, values: Float32Array.from(columns, (column) => row.values[column]!) }));
}

/** Gives the first watch and the row from which it judged; undefined: the machine did not run long enough. */
export function watchLevels(
	source: LevelSource,
	onVerdict: (row: number, verdict: Verdict) => void
): { readonly first: LevelWatch; readonly from: number } | undefined {
	const { rows, sensorNames, kinds, stepMs, machine } = source;
	const network = new LastRow();
	let first: LevelWatch | undefined;
	let from = 0;
	let watch: LevelWatch | undefined;
	let pipeline: MachinePipeline | undefined;
	let lookAt = neededLevelRows(stepMs);
	for (let at = 0; at < rows.length; at = Math.min(rows.length, at + lookEvery)) {
		if (at >= lookAt && pipeline?.openSpan === undefined) {
			const found = learnLevelWatch({
				...{ machineId: machine, sensorNames, kinds, stepMs },
				rows: rows.slice(Math.max(0, at - mostLevelRows), at),
				falseAlarmsPerWeek: 1,
				learnedAt: rows[at]!.time
			});
			if (found.watch) {
				const before = pipeline;
				watch = found.watch;
				pipeline = new MachinePipeline(machine, watch);
				network.dispose();
				judgeDue(
					network,
					[{ pipeline, rows: rowsFor(watch, sensorNames, rows.slice(Math.max(0, at - movingMeansLeadInRows), at)) }],
					() => undefined
				);
				if (before) pipeline.adopt(before.openAlarm, before.openSpan);
				if (!first) [first, from] = [watch, at];
				lookAt = at + rowsUntilGrowth(watch);
			}
		}
		if (!pipeline || !watch) continue;
		let row = at;
		judgeDue(
			network,
			[{ pipeline, rows: rowsFor(watch, sensorNames, rows.slice(at, at + lookEvery)) }],
			(_, __, verdict) => onVerdict(row++, verdict)
		);
	}
	return first && { first, from };
}
