/**
 * State Detection: slow change of one machine, told apart as far as its data allow.
 *
 * In: detected states row by row, with the learnt mode. Out: per block of rows a status: which sensors' residuals moved, and whether
 * that looks like a drifting sensor, another process or a machine that degrades. Residuals are what the model does not explain, so
 * a change of load alone moves none of them.
 */
import {
	spokenName,
	type DetectedState,
	type DriftFinding,
	type DriftStatus,
	type EpochMs,
	type SensorKind
} from '../../contracts';
import { allowance, deviationOf, newTwoSided, observe, settle, type TwoSidedState } from './two-sided-test';

export const blockRows = 120;
export const baselineBlocks = 60;
/** Blocks whose trend is looked at. */
const recentBlocks = 12;
/**
 * Smallest normal deviation of a block's mean residual, in half-widths of the normal band. Heat and load let healthy machines' residuals
 * wander for hours by more than two hours of blocks scatter.
 */
const residualFloor = 0.2;
/** Least growth over the recent blocks that counts as growth, in half-widths of the band. */
const leastGrowth = 0.1;
/** Share of recent running in modes that training did not show, at which the process is another. */
const newShare = 0.5;
/** A fault often shows in one of these alone: then one sensor is no proof of a bad sensor. */
const conditionKinds: ReadonlySet<SensorKind> = new Set(['vibration', 'wear', 'temperature']);

/** What outlives a reload; plain data. */
export interface DriftMemory {
	readonly modelId: string;
	readonly sensors: Record<string, TwoSidedState>;
	/** Recent blocks: mean residual per sensor, share of rows in a new mode. */
	readonly recent: { time: EpochMs; residuals: Record<string, number>; newShare: number }[];
	blocks: number;
	finding?: DriftFinding;
}

export class DriftMonitor {
	private readonly memory: DriftMemory;
	private sums = new Map<string, { sum: number; count: number }>();
	private rows = 0;
	private newRows = 0;

	constructor(
		modelId: string,
		private readonly kindOf: (sensorName: string) => SensorKind | undefined,
		memory?: DriftMemory
	) {
		this.memory =
			memory?.modelId === modelId ? structuredClone(memory) : { modelId, sensors: {}, recent: [], blocks: 0 };
	}

	/** For storage. */
	get kept(): DriftMemory {
		return structuredClone(this.memory);
	}

	/** Mean residual of each sensor over the recent blocks, in half-widths of the band; undefined before there are enough. */
	recentResiduals(): ReadonlyMap<string, number> | undefined {
		const { recent } = this.memory;
		if (recent.length < recentBlocks) return undefined;
		const names = Object.keys(recent[recent.length - 1]!.residuals);
		return new Map(names.map((name) => [name, meanOf(recent.map(({ residuals }) => residuals[name] ?? 0))]));
	}

	/** Takes one row; gives a status when it completes a block. */
	add(state: DetectedState): DriftStatus | undefined {
		if (state.modeId === 'new') this.newRows++;
		else if (state.unscored !== undefined || Number.isNaN(state.score) || state.mode !== 'running') return undefined;
		this.rows++;
		for (const deviation of state.deviations) {
			const { sensorName, actual, note } = deviation;
			const { expected, band } = deviation.ofNetwork ?? deviation;
			const residual = (actual - expected) / band;
			if (note || !Number.isFinite(residual)) continue;
			const one = this.sums.get(sensorName);
			if (one) {
				one.sum += residual;
				one.count++;
			} else this.sums.set(sensorName, { sum: residual, count: 1 });
		}
		return this.rows < blockRows ? undefined : this.close(state.time);
	}

	private close(time: EpochMs): DriftStatus {
		const { memory } = this;
		const residuals: Record<string, number> = {};
		for (const [name, { sum, count }] of this.sums) if (count > 0) residuals[name] = sum / count;
		memory.recent.push({ time, residuals, newShare: this.newRows / this.rows });
		if (memory.recent.length > recentBlocks) memory.recent.shift();
		const moved: { name: string; blocks: number; size: number }[] = [];
		const shifts: Record<string, number> = {};
		for (const [name, residual] of Object.entries(residuals)) {
			const test = (memory.sensors[name] ??= newTwoSided());
			const blocks = observe(test, residual, baselineBlocks, residualFloor);
			const lately = meanOf(memory.recent.slice(-4).map((block) => block.residuals[name] ?? residual));
			const size = test.count < baselineBlocks ? 0 : (lately - test.mean) / deviationOf(test, residualFloor);
			shifts[name] = Math.round(size * 10) / 10;
			if (blocks === 0) continue;
			if (Math.abs(size) < allowance) settle(test);
			else moved.push({ name, blocks, size: Math.abs(size) });
		}
		memory.blocks++;
		this.sums = new Map();
		this.rows = 0;
		this.newRows = 0;
		moved.sort((a, b) => b.size - a.size);
		memory.finding = this.explain(moved, Object.keys(residuals).length, time);
		return {
			modelId: memory.modelId,
			blocks: memory.blocks,
			baselineBlocks,
			time,
			shifts,
			...(memory.finding && { finding: memory.finding })
		};
	}

	private explain(
		moved: readonly { name: string; blocks: number; size: number }[],
		sensors: number,
		time: EpochMs
	): DriftFinding | undefined {
		const { recent, finding: before } = this.memory;
		const blockMs = recent.length > 1 ? (time - recent[0]!.time) / (recent.length - 1) : 0;
		const found = (finding: Omit<DriftFinding, 'since'>, blocks: number): DriftFinding => ({
			...finding,
			since: before?.kind === finding.kind ? before.since : time - blocks * blockMs
		});
		const unknown = meanOf(recent.map(({ newShare }) => newShare));
		if (unknown >= newShare && recent.length >= 3)
			return found(
				{
					kind: 'process-change',
					sensorNames: [],
					proposal: 'retrain',
					why: `${Math.round(unknown * 100)} % of the recent running was in a way that training did not show, and it was entered at once, as an operator does. That is another process, not a fault; the model cannot judge it before it has learnt it.`
				},
				recent.length
			);
		const [first] = moved;
		if (!first) return undefined;
		const names = moved.map(({ name }) => name);
		const growth = this.growthOf(names);
		if (moved.length === 1 && !conditionKinds.has(this.kindOf(first.name) ?? 'other') && sensors > 2)
			return found(
				{
					kind: 'sensor-drift',
					sensorNames: names,
					proposal: 'check-sensor',
					why: `Only ${spokenName(first.name)} has left its relation to the other ${sensors - 1} sensors, which keep theirs. A fault of the machine would be expected to show in more than one: check or calibrate this sensor.`
				},
				first.blocks
			);
		if (growth === 'growing')
			return found(
				{
					kind: 'degradation',
					sensorNames: names,
					proposal: 'look-at-machine',
					why: `What the model cannot explain in ${listed(names)} grows steadily${moved.length === 1 ? '; a fault shows in such a sensor alone, but so would a drift of the sensor itself' : ''}. Look at the machine; do not retrain, or the model learns the fault.`
				},
				first.blocks
			);
		if (moved.length >= Math.max(3, Math.ceil(sensors / 2)))
			return found(
				{
					kind: 'process-change',
					sensorNames: names,
					proposal: 'retrain',
					why: `${moved.length} of ${sensors} sensors moved together to another level and stay there. That looks like a change of the process (product, season, maintenance); if the machine is known to be well, train on data since then.`
				},
				first.blocks
			);
		return found(
			{
				kind: 'unclear',
				sensorNames: names,
				proposal: 'look-at-machine',
				why: `${listed(names)} moved to another level and stay${moved.length === 1 ? 's' : ''} there. The data do not tell a fault that stands still from a change of process; look at the machine, and train again only if it is well.`
			},
			first.blocks
		);
	}

	/** Whether the size of the residuals rises over the recent blocks: Mann-Kendall's S at the 1% level, and Theil-Sen's slope not tiny. */
	private growthOf(names: readonly string[]): 'growing' | 'steady' {
		const sizes = this.memory.recent.map(({ residuals }) => Math.hypot(...names.map((name) => residuals[name] ?? 0)));
		const n = sizes.length;
		if (n < 8) return 'steady';
		let s = 0;
		const slopes: number[] = [];
		for (let i = 0; i < n; i++)
			for (let j = i + 1; j < n; j++) {
				s += Math.sign(sizes[j]! - sizes[i]!);
				slopes.push((sizes[j]! - sizes[i]!) / (j - i));
			}
		const z = (Math.abs(s) - 1) / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
		const slope = slopes.sort((a, b) => a - b)[slopes.length >> 1]!;
		return s > 0 && z > 2.33 && slope * n > leastGrowth ? 'growing' : 'steady';
	}
}

function meanOf(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function listed(names: readonly string[]): string {
	const words = names.slice(0, 3).map(spokenName);
	return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
