/**
 * Inference: watches on the levels of machines that have no model.
 *
 * In: machines without a model, their stored history. Out: per machine a watch learnt by itself once it has run long enough, learnt again from
 * more running while nothing is wrong, kept through reloads; until then how much running is missing.
 */
import {
	MillwrightError,
	currentEntry,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	levelWatchKey,
	type EpochMs,
	type FalseAlarmTarget,
	type LevelLearning,
	type LevelWatch,
	type LevelWatchRecord,
	type MachineId
} from '../../contracts';
import type { AlignedRow } from '../../manipulation';
import { learnLevelWatch, mostLevelRows, neededLevelRows, rowsUntilGrowth } from '../../training';
import type { Store } from '../../storage/store';
import { MachineHistory } from '../machine-history';
import type { MachineEntry } from './machine-entry';

/** Machines that are watched by their levels at once: each costs a little of every second, and two stored series. */
const mostWatched = 1_000;
/** A machine that has not run long enough is looked at again after at least so long. */
const lookAgainMs = 5_000;
const lookAgainAtMostMs = 60_000;
const retryAfterMs = 30_000;
/** Looking in vain takes about this share of the worker's time: a machine that sends often has much to be read. */
const lookShare = 0.05;
/** Of a recording's first part, taken to be healthy, this share is learnt from; more where that is too little. */
const recordingShares = [0.4, 0.6];
/** Rows before and after what was called a fault that are not learnt from either. */
const marginRows = 60;

interface Wanted {
	readonly entry: MachineEntry;
	lookAt: EpochMs;
	learning?: LevelLearning;
}

export class LevelKeeper {
	private readonly records = new Map<MachineId, LevelWatchRecord>();
	private readonly wanted = new Map<MachineId, Wanted>();
	private readonly history: MachineHistory;
	private working = false;
	/** By the clock that nobody sets. */
	private restUntil = 0;

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs
	) {
		this.history = new MachineHistory(store);
	}

	/** The machine's watch, if it has learnt one; loads it on first use. */
	async watchOf(machineId: MachineId): Promise<LevelWatch | undefined> {
		return (await this.recordOf(machineId)).watch;
	}

	/** The watch that judges the machine now; undefined: a model does, or nothing. */
	inUse({ record, scoring }: MachineEntry): LevelWatch | undefined {
		const watch = this.records.get(record.id)?.watch;
		return watch !== undefined && scoring?.pipeline.version === watch ? watch : undefined;
	}

	/** Whether a machine without a model is judged by something else than its newest watch. */
	isOutOfDate({ record, scoring }: MachineEntry): boolean {
		return scoring?.pipeline.version !== this.records.get(record.id)?.watch;
	}

	learning(machineId: MachineId): LevelLearning | undefined {
		return this.wanted.get(machineId)?.learning;
	}

	/** The machine has no model: it is to be watched by its levels. */
	want(entry: MachineEntry): void {
		if (!this.wanted.has(entry.record.id)) this.wanted.set(entry.record.id, { entry, lookAt: 0 });
	}

	/** A watch that judges a running machine is to grow with what it sees. */
	grow(entry: MachineEntry): void {
		const watch = this.inUse(entry);
		if (!watch || entry.record.origin === 'import') return;
		const lookAt = growAt(watch);
		if (Number.isFinite(lookAt)) this.wanted.set(entry.record.id, { entry, lookAt });
	}

	/** A model judges the machine now, or it is gone. */
	leave(machineId: MachineId): void {
		this.wanted.delete(machineId);
		this.records.delete(machineId);
	}

	/** Looks at one machine that is due; gives it when it has learnt a watch, or knows better how much running is missing. */
	async learnNext(roster: Iterable<MachineEntry>): Promise<MachineEntry | undefined> {
		if (this.working || performance.now() < this.restUntil) return undefined;
		this.working = true;
		try {
			const now = this.now();
			for (const [machineId, wanted] of this.wanted) {
				const { entry } = wanted;
				if (wanted.lookAt > now || entry.phase !== 'live') continue;
				// What is unusual now is not learnt.
				const unwell = entry.scoring?.pipeline.openSpan !== undefined || entry.report?.anomalous === true;
				if (unwell) wanted.lookAt = now + lookAgainAtMostMs;
				else return (await this.look(machineId, wanted, roster)) ? entry : undefined;
			}
			return undefined;
		} finally {
			this.working = false;
		}
	}

	private async recordOf(machineId: MachineId): Promise<LevelWatchRecord> {
		let record = this.records.get(machineId);
		if (!record) {
			const stored = await this.store.settings.get<LevelWatchRecord>(levelWatchKey(machineId));
			record = stored?.format === 1 ? stored : { format: 1 };
			this.records.set(machineId, record);
		}
		return record;
	}

	private async look(machineId: MachineId, wanted: Wanted, roster: Iterable<MachineEntry>): Promise<boolean> {
		const { entry } = wanted;
		const now = this.now();
		wanted.lookAt = now + retryAfterMs;
		const record = await this.recordOf(machineId);
		if (!record.watch && this.watched(roster) >= mostWatched) {
			wanted.lookAt = now + lookAgainAtMostMs;
			wanted.learning = { rows: 0, neededRows: neededLevelRows(1_000), full: true };
			return true;
		}
		const target = await this.store.settings.get<FalseAlarmTarget>(falseAlarmTargetKey);
		const began = performance.now();
		const found = await this.learn(entry, record, falseAlarmsPerWeek(target, machineId));
		// A model, or another start, came while this was read.
		if (this.wanted.get(machineId) !== wanted || this.records.get(machineId) !== record) return false;
		if (!found.watch) {
			const ended = performance.now();
			this.restUntil = ended + Math.min(lookAgainMs, (ended - began) / lookShare);
			wanted.learning = found.learning;
			const missing = found.learning.neededRows - found.learning.rows;
			const wait = missing * (found.learning.stepMs ?? 1_000);
			wanted.lookAt = now + Math.min(lookAgainAtMostMs, Math.max(lookAgainMs, wait));
			if (entry.record.origin === 'import' && found.learning.stepMs) wanted.lookAt = now + 10 * lookAgainAtMostMs;
			return !record.watch;
		}
		const next: LevelWatchRecord = { ...record, watch: found.watch };
		await this.store.settings.set(levelWatchKey(machineId), next);
		this.records.set(machineId, next);
		this.wanted.delete(machineId);
		return true;
	}

	private watched(roster: Iterable<MachineEntry>): number {
		let count = 0;
		for (const entry of roster) if (this.inUse(entry)) count++;
		return count;
	}

	private async learn(
		entry: MachineEntry,
		record: LevelWatchRecord,
		perWeek: number
	): Promise<{ watch: LevelWatch } | { watch?: undefined; learning: LevelLearning }> {
		const machineId = entry.record.id;
		const recorded = entry.record.origin === 'import';
		const nothing = { learning: { rows: 0, neededRows: neededLevelRows(1_000, recorded) } };
		const extent = await this.store.series.extent(machineId);
		const { sensors } = await this.history.describe(machineId);
		if (!extent || sensors.length === 0) return nothing;
		let stepMs: number;
		try {
			stepMs = await this.history.stepOf(sensors, extent.to);
		} catch (error) {
			if (error instanceof MillwrightError && error.code === 'not-enough-data') return nothing;
			throw error;
		}
		const neededRows = neededLevelRows(stepMs, recorded);
		const sensorNames = sensors.map(({ name }) => name);
		const newest = Math.max(extent.from, record.since ?? 0, extent.to - mostLevelRows * stepMs);
		const spans = recorded
			? recordingShares.map((share): [EpochMs, EpochMs] => {
					const enough = Math.max(share * (extent.to - extent.from), 1.1 * neededRows * stepMs);
					return [extent.from, extent.from + Math.min(enough, mostLevelRows * stepMs)];
				})
			: [[newest, extent.to] as [EpochMs, EpochMs]];
		let rows = 0;
		for (const [from, to] of spans) {
			const read = await this.history.readRows(machineId, sensorNames, stepMs, from, Math.min(to, extent.to));
			const found = learnLevelWatch({
				machineId,
				sensorNames,
				kinds: sensors.map(({ kind }) => kind),
				stepMs,
				rows: record.watch ? await this.unexplained(machineId, stepMs, read) : read,
				falseAlarmsPerWeek: perWeek,
				learnedAt: this.now(),
				recorded,
				...(record.watch && { id: record.watch.id })
			});
			if (found.watch) return found;
			rows = found.rows;
		}
		return { learning: { rows, neededRows, stepMs, ...(recorded && { recorded }) } };
	}

	/**
	 * Without what a person has called a fault, or explained. What was unusual and went by itself is normal running that had not been seen
	 * yet: it is learnt, so that it alarms once and not again.
	 */
	private async unexplained(machineId: MachineId, stepMs: number, rows: AlignedRow[]): Promise<AlignedRow[]> {
		const margin = marginRows * stepMs;
		const explained = (await this.store.verdicts.list({ machineId })).filter((verdict) => {
			const outcome = currentEntry(verdict)?.outcome;
			return outcome === 'true' || outcome === 'known-cause';
		});
		let gap = false;
		return rows.flatMap((row) => {
			if (explained.some(({ start, end = Infinity }) => row.time >= start - margin && row.time <= end + margin)) {
				gap = true;
				return [];
			}
			const kept = gap ? { ...row, breakBefore: true } : row;
			gap = false;
			return [kept];
		});
	}
}

/** When a watch has seen enough more to be learnt again. */
function growAt(watch: LevelWatch): EpochMs {
	return watch.learnedAt + rowsUntilGrowth(watch) * watch.stepMs;
}
