/**
 * Inference: answers a page's questions about history - why an anomaly, what was expected. Any tab's worker may: it reads storage and
 * calculates without a backend, so live scoring is not disturbed.
 *
 * In: a machine and a time. Out: sensors ranked by integrated gradients; the expected course with its band.
 */
import {
	derivedSeries,
	sensorIdOf,
	type AnomalyExplanation,
	type EpochMs,
	type ExpectedBands,
	type MachineId
} from '../../contracts';
import { expectedCourse, explainRows, explainedRows, movingMeansLeadInRows, sharesOf } from '../../detection';
import { Resampler } from '../../manipulation';
import { eventTurn } from '../../neural';
import type { Store } from '../../storage/store';
import { readRowsOf } from '../read-rows';
import type { ModelSource } from '../model-source';

/** Rows of an anomaly that its worst moment is looked for in. */
const lookedAtRows = 600;
/** Rows read before the window, for the resampler to be in step. */
const warmRows = 20;
/** More rows than this are not calculated for one view. */
export const mostCourseRows = 7_200;
const mostPoints = 1_200;

export class Explainer {
	private stopExplaining = new AbortController();

	constructor(
		private readonly store: Store,
		private readonly models: ModelSource
	) {}

	/**
	 * Explains the worst moment of the first minutes of an anomaly of [start, end]. Undefined when there is no model, or too little of it is
	 * stored. A newer question ends an older one.
	 */
	async explain(machineId: MachineId, start: EpochMs, end: EpochMs): Promise<AnomalyExplanation | undefined> {
		this.stopExplaining.abort();
		const { signal } = (this.stopExplaining = new AbortController());
		const pkg = await this.packageOf(machineId);
		if (!pkg) return undefined;
		const { stepMs } = pkg.version;
		const at = await this.worstOf(machineId, start, Math.min(end, start + lookedAtRows * stepMs));
		const rows = await this.rowsOf(machineId, pkg, at - (explainedRows + warmRows) * stepMs, at);
		const last = rows.findLastIndex(({ time }) => time <= at);
		if (last < 0) return undefined;
		const proceed = async () => {
			await eventTurn();
			return !signal.aborted;
		};
		const found = await explainRows(pkg, rows, last, { proceed });
		return (
			found && {
				modelId: pkg.version.id,
				shares: sharesOf(found),
				residual: found.residual,
				referenceResidual: found.referenceResidual,
				completenessError: found.completenessError
			}
		);
	}

	/** When the stored score was largest; the end where none is stored. */
	private async worstOf(machineId: MachineId, from: EpochMs, to: EpochMs): Promise<EpochMs> {
		const [scores] = await this.store.series.query({
			sensorIds: [sensorIdOf(machineId, derivedSeries.score)],
			from,
			to
		});
		let worst = to;
		let highest = -Infinity;
		scores?.times.forEach((time, i) => {
			if (scores.max[i]! > highest) [worst, highest] = [time, scores.max[i]!];
		});
		return worst;
	}

	/** Undefined when there is no model, or the span is too long to calculate. */
	async expected(machineId: MachineId, from: EpochMs, to: EpochMs): Promise<ExpectedBands | undefined> {
		const pkg = await this.packageOf(machineId);
		if (!pkg || (to - from) / pkg.version.stepMs > mostCourseRows) return undefined;
		const lead = pkg.version.relations ? movingMeansLeadInRows : 60;
		const rows = await this.rowsOf(machineId, pkg, from - lead * pkg.version.stepMs, to);
		const { times, expected, band } = expectedCourse(pkg, rows);
		const stride = Math.max(1, Math.ceil(times.length / mostPoints));
		const thin = (column: Float64Array) => column.filter((_, i) => i % stride === 0);
		return {
			modelId: pkg.version.id,
			times: thin(times),
			sensors: pkg.version.scaler.sensorNames.map((sensorName, i) => ({
				sensorName,
				expected: thin(expected[i]!),
				band: band[i]!
			}))
		};
	}

	private async packageOf(machineId: MachineId) {
		const machine = await this.store.registry.machine(machineId);
		return machine && this.models.versionFor(machine, await this.store.models.assignment(machineId));
	}

	private rowsOf(
		machineId: MachineId,
		{ version }: { version: { scaler: { sensorNames: readonly string[] }; stepMs: number } },
		from: EpochMs,
		to: EpochMs
	) {
		const resampler = new Resampler({
			sensorNames: version.scaler.sensorNames,
			stepMs: version.stepMs,
			phase: undefined
		});
		return readRowsOf(this.store, machineId, resampler, from, to);
	}
}
