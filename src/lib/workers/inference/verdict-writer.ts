/**
 * Inference: what verdicts leave behind in storage.
 *
 * In: verdicts row by row. Out: score and health as derived series, spans, alarm changes and the intervals scored, written in
 * groups. A failed write is kept and tried again with the next one.
 */
import {
	derivedSeries,
	modeCodeOf,
	modeHeartbeatMs,
	sensorIdOf,
	type AnomalySpan,
	type EpochMs,
	type MachineId,
	type ReadingBatch,
	type SensorId
} from '../../contracts';
import { applyChange, type AlarmChange } from '../../advisory';
import { eventTurn } from '../../neural';
import type { Verdict } from '../../pipeline';
import type { Store } from '../../storage/store';
import { addInterval, recordKey, type Interval, type ScoringRecord } from './scored-intervals';

/** Records written each time: a tenth of all, so that none waits for much more than ten seconds, and these many at least. */
const recordTurns = 10;
const recordsEveryMs = 1_000;
const leastRecords = 50;
/** In one transaction: a thousand would keep readings waiting for a tenth of a second. */
const recordsAtOnce = 64;

export class VerdictWriter {
	private series: number[] = [];
	private times: number[] = [];
	private values: number[] = [];
	private readonly sensorIds: SensorId[] = [];
	private readonly indexOf = new Map<SensorId, number>();
	private readonly spans = new Map<string, AnomalySpan>();
	private changes: AlarmChange[] = [];
	private readonly modes = new Map<MachineId, { code: number; at: EpochMs }>();
	private readonly records = new Map<MachineId, ScoringRecord>();
	/** Machines whose record has changed since it was written, the longest-waiting first. */
	private readonly unwritten = new Set<MachineId>();
	private writing: Promise<void> = Promise.resolve();
	/** A write that has not begun. */
	private next: Promise<void> | undefined;
	private everything = false;
	private recordsAt: EpochMs = 0;

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs
	) {}

	/** What has been scored of a machine; loads it on first use. */
	async recordOf(machineId: MachineId): Promise<ScoringRecord> {
		const known = this.records.get(machineId);
		if (known) return known;
		const record = (await this.store.settings.get<ScoringRecord>(recordKey(machineId))) ?? {
			phase: undefined,
			intervals: []
		};
		this.records.set(machineId, record);
		return record;
	}

	forget(machineId: MachineId): void {
		this.records.delete(machineId);
		this.unwritten.delete(machineId);
		this.modes.delete(machineId);
	}

	/** Notes that all rows of [from, to] have been scored. */
	markScored(machineId: MachineId, interval: Interval, slack: number, phase: number | undefined): void {
		const before = this.records.get(machineId) ?? { phase: undefined, intervals: [] };
		this.records.set(machineId, {
			phase: phase ?? before.phase,
			intervals: addInterval(before.intervals, interval, slack)
		});
		this.unwritten.add(machineId);
	}

	add(machineId: MachineId, verdict: Verdict, options: { readonly alarms: boolean }): void {
		const { report, span, alarmChange } = verdict;
		if (!Number.isNaN(report.score))
			this.point(sensorIdOf(machineId, derivedSeries.score), report.time, round(report.score, 1e3));
		if (!Number.isNaN(report.index))
			this.point(sensorIdOf(machineId, derivedSeries.health), report.time, round(report.index, 10));
		const code = modeCodeOf(report);
		const last = this.modes.get(machineId);
		// Change points, and a sign of life between them. History is written out of order: every point of it.
		if (
			report.mode !== 'unknown' &&
			(!last || last.code !== code || Math.abs(report.time - last.at) >= modeHeartbeatMs)
		) {
			this.point(sensorIdOf(machineId, derivedSeries.mode), report.time, code);
			this.modes.set(machineId, { code, at: report.time });
		}
		if (span) this.spans.set(span.id, span);
		if (alarmChange && options.alarms) this.changes.push(alarmChange);
	}

	addSpan(span: AnomalySpan): void {
		this.spans.set(span.id, span);
	}

	addChange(change: AlarmChange): void {
		this.changes.push(change);
	}

	get pendingPoints(): number {
		return this.times.length;
	}

	/** Alarms and spans must not wait for the group. */
	get urgent(): boolean {
		return this.changes.length > 0 || this.spans.size > 0;
	}

	/**
	 * Writes what is pending; writes never overlap. Rejects when storage does; nothing is lost by it. Up to where machines have been judged is noted
	 * in turn where there are many, unless `everything` is asked for: after a crash some seconds are judged again.
	 */
	flush(everything = false): Promise<void> {
		this.everything ||= everything;
		// Many ask while one is being written: the next one serves them all.
		this.next ??= this.writing
			.catch(() => undefined)
			.then(() => {
				const all = this.everything;
				this.next = undefined;
				this.everything = false;
				return this.write(all);
			});
		this.writing = this.next;
		return this.next;
	}

	private async write(everything: boolean): Promise<void> {
		const records = this.dueRecords(everything);
		while (this.changes.length > 0) {
			const change = this.changes[0]!;
			const id = change.kind === 'raise' ? change.alarm.id : change.id;
			await this.store.alarms.update(id, (stored) => applyChange(stored, change));
			this.changes.shift();
		}
		for (const [id, span] of [...this.spans]) {
			await this.store.spans.put(span);
			if (this.spans.get(id) === span) this.spans.delete(id);
		}
		const count = this.times.length;
		if (count > 0) {
			await this.store.series.append(this.batchOf(count));
			this.series = this.series.slice(count);
			this.times = this.times.slice(count);
			this.values = this.values.slice(count);
		}
		await this.writeRecords(records);
	}

	/** The records that have waited longest, as they are now: what they claim is among the points that are about to be written. */
	private dueRecords(everything: boolean): (readonly [MachineId, ScoringRecord])[] {
		if (!everything && this.now() - this.recordsAt < recordsEveryMs) return [];
		this.recordsAt = this.now();
		const most = everything ? this.unwritten.size : Math.max(leastRecords, this.records.size / recordTurns);
		return [...this.unwritten].slice(0, most).flatMap((id) => {
			const record = this.records.get(id);
			return record ? [[id, record] as const] : [];
		});
	}

	/** What fails waits on. */
	private async writeRecords(due: readonly (readonly [MachineId, ScoringRecord])[]): Promise<void> {
		for (let first = 0; first < due.length; first += recordsAtOnce) {
			if (first > 0) await eventTurn();
			const written = due.slice(first, first + recordsAtOnce);
			await this.store.settings.setAll(new Map(written.map(([id, record]) => [recordKey(id), record])));
			for (const [id, record] of written) {
				this.unwritten.delete(id);
				// Judged further meanwhile: its turn comes after those that have not had theirs.
				const newest = this.records.get(id);
				if (newest && newest !== record) this.unwritten.add(id);
			}
		}
	}

	private batchOf(count: number): ReadingBatch {
		// Only the series that occur, renumbered.
		const ids: SensorId[] = [];
		const renumbered = new Map<number, number>();
		const series = new Uint32Array(count);
		for (let i = 0; i < count; i++) {
			const at = this.series[i]!;
			let index = renumbered.get(at);
			if (index === undefined) {
				index = ids.length;
				renumbered.set(at, index);
				ids.push(this.sensorIds[at]!);
			}
			series[i] = index;
		}
		return {
			sensorIds: ids,
			series,
			times: Float64Array.from(this.times.slice(0, count)),
			values: Float64Array.from(this.values.slice(0, count)),
			qualities: new Uint8Array(count),
			receivedAt: this.now()
		};
	}

	private point(sensorId: SensorId, time: EpochMs, value: number): void {
		let index = this.indexOf.get(sensorId);
		if (index === undefined) {
			index = this.sensorIds.length;
			this.indexOf.set(sensorId, index);
			this.sensorIds.push(sensorId);
		}
		this.series.push(index);
		this.times.push(time);
		this.values.push(value);
	}
}

function round(value: number, per: number): number {
	return Math.round(value * per) / per;
}
