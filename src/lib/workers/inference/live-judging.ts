/**
 * Inference: live readings judged as they come.
 *
 * In: committed readings. Out: rows judged, the longest-waiting machines first, in slices between which messages are heard; verdicts kept and
 * announced; how long readings waited.
 */
import type { InferenceStatus, MachineId, ReadingBatch } from '../../contracts';
import { eventTurn } from '../../neural';
import { judgeDue, type DueMachine, type Verdict } from '../../pipeline';
import { DueQueue } from './due-queue';
import { pushReading } from './go-live';
import { LatencyMeter } from './latency';
import { reportWithout, type MachineEntry } from './machine-entry';
import { takeVerdict, type ScoringParts } from './scoring-parts';
import type { VerdictAnnouncer } from './verdict-announcer';

const writeAtPoints = 4_000;
/** Machines judged between two looks at what has come meanwhile. */
const machinesAtOnce = 128;

export class LiveJudging {
	private readonly latency = new LatencyMeter();
	/** Machines with readings that wait to be judged. */
	private readonly due = new DueQueue<MachineEntry>();
	private judging = false;

	/** `failed`: a model has thrown. */
	constructor(
		private readonly parts: ScoringParts,
		private readonly announcer: VerdictAnnouncer,
		private readonly failed: (versionId: string, error: unknown) => void
	) {}

	/** The machine is not judged any more. */
	leave(entry: MachineEntry): void {
		this.due.remove(entry);
	}

	/** How fast it goes. */
	get pace(): Pick<InferenceStatus, 'p50Ms' | 'p95Ms' | 'verdicts' | 'late' | 'waiting'> {
		const { verdicts, late } = this.due.lastMinute(this.parts.now());
		const { latency, due } = this;
		return { p50Ms: latency.quantile(0.5), p95Ms: latency.quantile(0.95), verdicts, late, waiting: due.size };
	}

	hear(batch: ReadingBatch): void {
		const now = this.parts.now();
		const due = new Set<MachineEntry>();
		const owners = batch.sensorIds.map((id) => this.parts.roster.ownerFor(id));
		const { series, times, values, qualities } = batch;
		let last: MachineEntry | undefined;
		for (let i = 0; i < series.length; i++) {
			const owner = owners[series[i]!];
			if (!owner) continue;
			const { entry, sensorName } = owner;
			const time = times[i]!;
			// Readings of a machine come together; most machines of a large plant have no model: nothing is made for them.
			if (entry !== last) due.add((last = entry));
			if (!(entry.lastTime !== undefined && entry.lastTime >= time)) entry.lastTime = Math.max(0, time);
			if (entry.phase === 'catching-up')
				entry.buffered.push({ sensorName, time, value: values[i]!, quality: qualities[i]! });
			else if (entry.phase === 'live' && entry.scoring) pushReading(entry, sensorName, time, values[i]!, qualities[i]!);
		}
		for (const entry of due) entry.heardAt = now;
		for (const entry of due) {
			if (entry.phase !== 'live') continue;
			if (entry.scoring) this.due.add(entry, batch.receivedAt);
			// Said once: a plant may have a hundred thousand machines without a model.
			else if (entry.report?.unscored !== 'no-model') this.sayUnwatched(entry);
		}
		void this.judgeWaiting();
	}

	sayUnwatched(entry: MachineEntry): void {
		entry.report = reportWithout(entry, 'no-model', this.parts.now(), this.parts.levels.learning(entry.record.id));
		this.announcer.soon([entry]);
	}

	/** Judges what waits, longest-waiting machines first, in slices between which messages are heard. */
	private async judgeWaiting(): Promise<void> {
		const { writer } = this.parts;
		if (this.judging) return;
		this.judging = true;
		try {
			while (!this.parts.isStopped() && this.due.size > 0) {
				const slice = this.due.take(machinesAtOnce);
				const entries = slice.map(({ machine }) => machine);
				const rows = this.judge(entries);
				const now = this.parts.now();
				// A batch of history says nothing of how long a reading waits.
				if (rows > 0 && rows <= 3 * slice.length)
					for (const { heardAt } of slice) {
						this.latency.add(Math.max(0, now - heardAt), now);
						this.due.judged(now - heardAt, now);
					}
				this.announcer.soon(entries);
				if (writer.urgent || writer.pendingPoints >= writeAtPoints) void this.parts.write();
				if (this.due.size > 0) await eventTurn();
			}
		} finally {
			this.judging = false;
		}
	}

	/** Judges what is ready of these machines; gives the number of rows. A failing model only takes its own machines out. */
	judge(entries: Iterable<MachineEntry>): number {
		const groups = new Map<string, DueMachine[]>();
		let count = 0;
		for (const entry of entries) {
			if (entry.phase !== 'live' || !entry.scoring) continue;
			const rows = entry.scoring.resampler.take();
			if (rows.length === 0) continue;
			count += rows.length;
			const group = groups.get(entry.scoring.versionId);
			const due = { pipeline: entry.scoring.pipeline, rows };
			if (group) group.push(due);
			else groups.set(entry.scoring.versionId, [due]);
		}
		for (const [versionId, due] of groups) {
			const predictor = this.parts.networks.get(versionId);
			if (!predictor) continue;
			try {
				judgeDue(predictor, due, (machineId, row, verdict) => this.keep(machineId, row.breakBefore, verdict));
			} catch (error) {
				this.failed(versionId, error);
			}
		}
		return count;
	}

	private keep(machineId: MachineId, breakBefore: boolean, verdict: Verdict): void {
		const entry = this.parts.roster.get(machineId);
		if (!entry?.scoring) return;
		const { time } = verdict.report;
		const { stepMs } = entry.scoring.pipeline.version;
		this.parts.writer.add(machineId, verdict, { alarms: true });
		this.parts.drift.add(machineId, verdict.detected);
		const from = breakBefore || entry.scoredTo === undefined ? time : Math.max(entry.scoredTo, time - stepMs);
		this.parts.writer.markScored(machineId, [from, time], stepMs, entry.scoring.resampler.phase);
		entry.scoredTo = time;
		takeVerdict(entry, verdict);
	}
}
