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
import type { Verdict } from '../../pipeline';
import type { Store } from '../../storage/store';
import { addInterval, recordKey, type Interval, type ScoringRecord } from './scored-intervals';

export class VerdictWriter {
	private series: number[] = [];
	private times: number[] = [];
	private values: number[] = [];
	private readonly sensorIds: SensorId[] = [];
	private readonly indexOf = new Map<SensorId, number>();
	private readonly spans = new Map<string, AnomalySpan>();
	private changes: AlarmChange[] = [];
	private readonly modes = new Map<MachineId, { code: number; at: EpochMs }>();
	private readonly records = new Map<MachineId, { record: ScoringRecord; dirty: boolean }>();
	private writing: Promise<void> = Promise.resolve();

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs
	) {}

	/** What has been scored of a machine; loads it on first use. */
	async recordOf(machineId: MachineId): Promise<ScoringRecord> {
		const known = this.records.get(machineId);
		if (known) return known.record;
		const record = (await this.store.settings.get<ScoringRecord>(recordKey(machineId))) ?? {
			phase: undefined,
			intervals: []
		};
		this.records.set(machineId, { record, dirty: false });
		return record;
	}

	forget(machineId: MachineId): void {
		this.records.delete(machineId);
		this.modes.delete(machineId);
	}

	/** Notes that all rows of [from, to] have been scored. */
	markScored(machineId: MachineId, interval: Interval, slack: number, phase: number | undefined): void {
		const before = this.records.get(machineId)?.record ?? { phase: undefined, intervals: [] };
		this.records.set(machineId, {
			record: { phase: phase ?? before.phase, intervals: addInterval(before.intervals, interval, slack) },
			dirty: true
		});
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

	/** Writes everything pending; writes never overlap. Rejects when storage does; nothing is lost by it. */
	flush(): Promise<void> {
		const next = this.writing.catch(() => undefined).then(() => this.write());
		this.writing = next;
		return next;
	}

	private async write(): Promise<void> {
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
		const dirty = [...this.records].filter(([, entry]) => entry.dirty);
		if (dirty.length === 0) return;
		for (const [, entry] of dirty) entry.dirty = false;
		try {
			await this.store.settings.setAll(new Map(dirty.map(([machineId, { record }]) => [recordKey(machineId), record])));
		} catch (error) {
			for (const [, entry] of dirty) entry.dirty = true;
			throw error;
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
