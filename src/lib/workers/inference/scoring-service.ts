/**
 * Inference: keeps every machine of a workspace judged.
 *
 * In: committed readings (live channel) and stored history. Out: verdicts on the channel; score, health, spans and alarms in
 * storage. Newest first: a machine's last ten minutes are scored when it is met, then its readings as they come, and what is
 * older in the background. A failure of one machine or model is shown and tried again; it stops nobody else.
 */
import {
	derivedSeries,
	isOpen,
	sensorIdOf,
	splitSensorId,
	staleFloorMs,
	toPlainError,
	type Alarm,
	type EpochMs,
	type HealthReport,
	type InferenceStatus,
	type LinkStatus,
	type LiveMessage,
	type MachineId,
	type MachineRecord,
	type Prognosis,
	type ReadingBatch,
	type RiskAssignment,
	type RulAssignment,
	type SensorId,
	type SensorRecord
} from '../../contracts';
import { isActive, raiseStale } from '../../advisory';
import { Predictor } from '../../detection';
import { Resampler, learnStep } from '../../manipulation';
import { eventTurn, type Engine } from '../../neural';
import type { LevelPoint } from '../../prognostics';
import { MachinePipeline, judgeDue, type DueMachine, type Verdict } from '../../pipeline';
import type { Store } from '../../storage/store';
import { leadInRows, readRowsOf, scoreHistory, type HistoryTask } from './history';
import { LatencyMeter } from './latency';
import { reportWithout, type LiveReading, type MachineEntry } from './machine-entry';
import type { ModelSource } from './model-source';
import { missingIntervals } from './scored-intervals';
import { AdaptationKeeper } from './adaptation-keeper';
import { CourseKeeper } from './course-keeper';
import { DriftKeeper } from './drift-keeper';
import { DueQueue } from './due-queue';
import { PromotedClassifiers } from './promoted-classifiers';
import { PromotedKeeper, Track } from './promoted-keeper';
import { PromotedLives } from './promoted-lives';
import { VerdictWriter } from './verdict-writer';

export interface ScoringPorts {
	readonly store: Store;
	readonly engine: Engine;
	readonly models: ModelSource;
	readonly now: () => EpochMs;
	readonly post: (message: LiveMessage) => void;
}

/** Scored when a machine is met; older history follows in the background. */
const recentMs = 10 * 60_000;
/** History older than this is not scored by itself. */
const historyMs = 24 * 3_600_000;
/** Scores that a prognosis looks back on. */
const recalledMs = 30 * 24 * 3_600_000;
const recalledPoints = 480;
/** Prognoses are said again so often, for tabs that came later. */
const prognosesEveryMs = 20_000;
const writeEveryMs = 1_000;
const writeAtPoints = 4_000;
const statusEveryMs = 2_000;
const postEveryMs = 100;
const retryAfterMs = 30_000;
/** A machine is stale after this many of its steps, and at least 30 s, without a reading. */
const staleSteps = 20;
const staleAtLeastMs = Math.max(30_000, staleFloorMs);
const holeAtLeastSteps = 10;
const compareEveryMs = 10_000;
/** Machines judged between two looks at what has come meanwhile. */
const machinesAtOnce = 128;

export class ScoringService {
	private readonly machines = new Map<MachineId, MachineEntry>();
	private readonly ownerOf = new Map<SensorId, { entry: MachineEntry; sensorName: string } | null>();
	private readonly predictors = new Map<string, Predictor>();
	private readonly latency = new LatencyMeter();
	private readonly writer: VerdictWriter;
	private readonly adaptations: AdaptationKeeper;
	private readonly drift: DriftKeeper;
	private readonly courses: CourseKeeper;
	private readonly promoted: PromotedKeeper;
	/** Machines with readings that wait to be judged. */
	private readonly due = new DueQueue<MachineEntry>();
	private readonly stops: (() => void)[] = [];
	private readonly touched = new Set<MachineEntry>();
	private readonly startedAt: EpochMs;
	private assignments = new Map<MachineId, string>();
	private link: LinkStatus | undefined;
	private postTimer: ReturnType<typeof setTimeout> | undefined;
	private postedAt = 0;
	private loop: Promise<void> | undefined;
	private historyTried = new Map<MachineId, EpochMs>();
	private comparedAt = 0;
	private prognosesAt = 0;
	private stopped = false;
	private problem: string | undefined;

	constructor(private readonly ports: ScoringPorts) {
		this.writer = new VerdictWriter(ports.store, ports.now);
		this.drift = new DriftKeeper(ports.store);
		this.courses = new CourseKeeper(ports.store, ports.now);
		this.adaptations = new AdaptationKeeper(
			ports.store,
			ports.now,
			(machineId, adaptation) => this.machines.get(machineId)?.scoring?.pipeline.adapted.set(adaptation),
			(machineId) => this.drift.calmResiduals(machineId)
		);
		this.promoted = new PromotedKeeper(
			{
				...ports,
				machine: (id) => this.machines.get(id),
				machines: () => this.machines.values(),
				change: async (change) => {
					this.writer.addChange(change);
					await this.write();
				}
			},
			[new Track<RulAssignment>(new PromotedLives(ports)), new Track<RiskAssignment>(new PromotedClassifiers(ports))]
		);
		this.startedAt = ports.now();
	}

	/** Begins; resolves once the registry and the assignments have been read. */
	async start(): Promise<void> {
		const { store } = this.ports;
		await new Promise<void>((resolve) => {
			this.stops.push(
				store.models.watch((_, assignments) => {
					this.adoptAssignments(assignments);
					resolve();
				})
			);
		});
		await new Promise<void>((resolve) => {
			this.stops.push(
				store.registry.watch((machines, sensors) => {
					this.adoptRegistry(machines, sensors);
					resolve();
				})
			);
		});
		this.stops.push(this.adaptations.follow(), this.promoted.follow());
		const timers = [
			setInterval(() => void this.write(), writeEveryMs),
			setInterval(() => this.postStatus(), statusEveryMs),
			setInterval(() => this.tick(), 1_000)
		];
		this.stops.push(() => timers.forEach(clearInterval));
	}

	/** Ends scoring and writes what is pending. */
	async stop(): Promise<void> {
		this.stopped = true;
		this.stops.splice(0).forEach((stop) => stop());
		clearTimeout(this.postTimer);
		await this.loop?.catch(() => undefined);
		await this.writer.flush().catch(() => undefined);
		for (const pipeline of this.livePipelines()) this.courses.keep(pipeline);
		await this.courses.flush([]).catch(() => undefined);
		for (const predictor of this.predictors.values()) predictor.dispose();
		this.predictors.clear();
	}

	/** Posts the latest report of every machine and the status again. */
	announce(): void {
		const reports = [...this.machines.values()].flatMap(({ report }) => (report ? [report] : []));
		if (reports.length > 0) this.ports.post({ kind: 'verdicts', reports });
		this.postStatus();
	}

	/** Looks again which model the machine uses. */
	async reload(machineId: MachineId): Promise<void> {
		const assigned = await this.ports.store.models.assignment(machineId);
		if (assigned === undefined) this.assignments.delete(machineId);
		else this.assignments.set(machineId, assigned);
		const entry = this.machines.get(machineId);
		if (entry) entry.failedAt = undefined;
		this.wake();
	}

	hear(message: LiveMessage): void {
		if (this.stopped) return;
		if (message.kind === 'link') {
			const made = this.isHistoryBeingMade;
			this.link = message.status;
			if (made && !this.isHistoryBeingMade) this.wake();
		}
		if (message.kind === 'readings') this.hearReadings(message.batch);
	}

	/** Judging the past while it is being made would only delay the present; it is judged afterwards, many machines together. */
	private get isHistoryBeingMade(): boolean {
		return this.link?.fillingHistory === true && this.link.state === 'connecting';
	}

	private hearReadings(batch: ReadingBatch): void {
		const now = this.ports.now();
		const due = new Set<MachineEntry>();
		const owners = batch.sensorIds.map((id) => this.ownerFor(id));
		for (let i = 0; i < batch.series.length; i++) {
			const owner = owners[batch.series[i]!];
			if (!owner) continue;
			const { entry, sensorName } = owner;
			const reading = { sensorName, time: batch.times[i]!, value: batch.values[i]!, quality: batch.qualities[i]! };
			entry.heardAt = now;
			entry.lastTime = Math.max(entry.lastTime ?? 0, reading.time);
			if (entry.phase === 'live') this.push(entry, reading);
			else if (entry.phase === 'catching-up') entry.buffered.push(reading);
			due.add(entry);
		}
		for (const entry of due) {
			if (entry.phase !== 'live') continue;
			if (entry.scoring) this.due.add(entry, batch.receivedAt);
			// Said once: a plant may have a hundred thousand machines without a model.
			else if (entry.report?.unscored !== 'no-model') {
				entry.report = reportWithout(entry, 'no-model', now);
				this.postSoon([entry]);
			}
		}
		void this.judgeWaiting();
	}

	/** Judges what waits, longest-waiting machines first, in slices between which messages are heard. */
	private async judgeWaiting(): Promise<void> {
		if (this.judging) return;
		this.judging = true;
		try {
			while (!this.stopped && this.due.size > 0) {
				const slice = this.due.take(machinesAtOnce);
				const entries = slice.map(({ machine }) => machine);
				const rows = this.judgeLive(entries);
				const now = this.ports.now();
				// A batch of history says nothing of how long a reading waits.
				if (rows > 0 && rows <= 3 * slice.length)
					for (const { heardAt } of slice) {
						this.latency.add(Math.max(0, now - heardAt), now);
						this.due.judged(now - heardAt, now);
					}
				this.postSoon(entries);
				if (this.writer.urgent || this.writer.pendingPoints >= writeAtPoints) void this.write();
				if (this.due.size > 0) await eventTurn();
			}
		} finally {
			this.judging = false;
		}
	}
	private judging = false;

	private push(entry: MachineEntry, { sensorName, time, value, quality }: LiveReading): void {
		const column = entry.scoring?.resampler.columnOf(sensorName);
		if (column !== undefined) entry.scoring!.resampler.push(column, time, value, quality);
	}

	/** Judges what is ready of these machines; gives the number of rows. A failing model only takes its own machines out. */
	private judgeLive(entries: Iterable<MachineEntry>): number {
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
			const predictor = this.predictors.get(versionId);
			if (!predictor) continue;
			try {
				judgeDue(predictor, due, (machineId, row, verdict) => this.keep(machineId, row.breakBefore, verdict));
			} catch (error) {
				this.fail(versionId, error);
			}
		}
		return count;
	}

	private keep(machineId: MachineId, breakBefore: boolean, verdict: Verdict): void {
		const entry = this.machines.get(machineId);
		if (!entry?.scoring) return;
		const { time } = verdict.report;
		const { stepMs } = entry.scoring.pipeline.version;
		this.writer.add(machineId, verdict, { alarms: true });
		this.drift.add(machineId, verdict.detected);
		const from = breakBefore || entry.scoredTo === undefined ? time : Math.max(entry.scoredTo, time - stepMs);
		this.writer.markScored(machineId, [from, time], stepMs, entry.scoring.resampler.phase);
		entry.scoredTo = time;
		takeVerdict(entry, verdict);
	}

	/** A model that throws: its machines wait and are tried again later; the others go on. */
	private fail(versionId: string, error: unknown): void {
		const { message } = toPlainError(error);
		for (const entry of this.machines.values()) {
			if (entry.scoring?.versionId !== versionId) continue;
			this.detach(entry);
			entry.phase = 'waiting';
			entry.failedAt = this.ports.now();
			entry.problem = `Model ${versionId} failed: ${message}`;
			entry.report = reportWithout(entry, 'no-model', this.ports.now());
			this.touched.add(entry);
		}
		const predictor = this.predictors.get(versionId);
		this.predictors.delete(versionId);
		try {
			predictor?.dispose();
		} catch {
			// It is gone either way.
		}
		this.postSoon([]);
		this.postStatus();
	}

	private ownerFor(sensorId: SensorId): { entry: MachineEntry; sensorName: string } | undefined {
		const known = this.ownerOf.get(sensorId);
		if (known !== undefined) return known ?? undefined;
		const { machineId, sensorName } = splitSensorId(sensorId);
		const entry = this.machines.get(machineId);
		// A machine the registry has not told of yet is looked up again with its next reading.
		if (!entry) return undefined;
		const owner = sensorName.startsWith('~') ? null : { entry, sensorName };
		this.ownerOf.set(sensorId, owner);
		return owner ?? undefined;
	}

	private adoptAssignments(assignments: Map<MachineId, string>): void {
		// Another choice deserves another try at once.
		for (const [id, entry] of this.machines)
			if (assignments.get(id) !== this.assignments.get(id)) entry.failedAt = undefined;
		this.assignments = new Map(assignments);
		this.wake();
	}

	private adoptRegistry(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		if (this.stopped) return;
		const byMachine = new Map<MachineId, SensorRecord[]>();
		for (const sensor of sensors) {
			if (sensor.name.startsWith('~')) continue;
			const list = byMachine.get(sensor.machineId);
			if (list) list.push(sensor);
			else byMachine.set(sensor.machineId, [sensor]);
		}
		const known = new Set(machines.map(({ id }) => id));
		for (const [id, entry] of this.machines) {
			if (known.has(id)) continue;
			this.detach(entry);
			this.machines.delete(id);
			this.writer.forget(id);
			this.ownerOf.clear();
		}
		for (const record of machines) {
			const entry = this.machines.get(record.id);
			const own = byMachine.get(record.id) ?? [];
			if (!entry) {
				this.machines.set(record.id, { record, sensors: own, phase: 'waiting', buffered: [] });
			} else {
				entry.record = record;
				entry.sensors = own;
			}
		}
		this.promoted.refresh();
		this.wake();
	}

	/** Runs what is not live: new machines, changed models, holes in history. One at a time, never twice at once. */
	private wake(): void {
		if (this.stopped || this.loop) return;
		const running = this.work()
			.catch((error: unknown) => {
				this.problem = toPlainError(error).message;
			})
			.finally(() => {
				this.loop = undefined;
			});
		this.loop = running;
	}

	private async work(): Promise<void> {
		// In rounds, until one finds nothing to do: a plant may have a hundred thousand machines that all wait.
		for (let found = true; found;) {
			found = false;
			for (const entry of this.machines.values()) {
				if (this.stopped || this.isHistoryBeingMade) return;
				if (!this.needsPreparing(entry)) continue;
				found = true;
				await this.prepare(entry);
			}
		}
		await this.scoreOlder();
	}

	/** It waits, or its model is no longer the one it should use. */
	private needsPreparing(entry: MachineEntry): boolean {
		const { record, scoring } = entry;
		if (entry.failedAt !== undefined && this.ports.now() - entry.failedAt < retryAfterMs) return false;
		if (entry.phase === 'waiting') return true;
		const assigned = this.assignments.get(record.id);
		if (assigned !== undefined) return assigned !== scoring?.versionId;
		// The class's own model: when an assignment was taken back, or the class has become known.
		if (record.machineClass === undefined) return scoring !== undefined;
		const target = scoring?.pipeline.version.target;
		return !(target !== undefined && 'machineClass' in target && target.machineClass === record.machineClass);
	}

	/** Finds the machine's model, scores its last ten minutes and goes live with it. */
	private async prepare(entry: MachineEntry): Promise<void> {
		const { store, models, now } = this.ports;
		const machineId = entry.record.id;
		try {
			const pkg = await models.versionFor(entry.record, this.assignments.get(machineId));
			this.detach(entry);
			entry.problem = undefined;
			entry.failedAt = undefined;
			if (!pkg) {
				entry.phase = 'live';
				// A class without a shipped model now may get one later (no network at start).
				if (entry.record.machineClass !== undefined) entry.failedAt = now();
				entry.report = reportWithout(entry, 'no-model', now());
				this.postSoon([entry]);
				return;
			}
			entry.phase = 'catching-up';
			entry.buffered = [];
			const { version } = pkg;
			const record = await this.writer.recordOf(machineId);
			const extent = await store.series.extent(machineId);
			const open = (await store.alarms.open()).filter((alarm) => alarm.machineId === machineId);
			entry.staleAlarm = open.find((alarm) => alarm.kind === 'stale' && isActive(alarm))?.id;
			const resampler = new Resampler({
				sensorNames: version.scaler.sensorNames,
				stepMs: version.stepMs,
				phase: record.phase
			});
			const pipeline = new MachinePipeline(
				machineId,
				version,
				(name) => entry.sensors.find((s) => s.name === name)?.unit
			);
			// A damaged library is refused and said; the machine is watched without it.
			const failures = await models.failuresFor(version).catch((error: unknown) => {
				pipeline.refuseFailures(toPlainError(error).message);
				return undefined;
			});
			if (failures) pipeline.learnFailures(failures);
			pipeline.adapted.set(await this.adaptations.adaptationOf(machineId, version.id));
			await this.drift.begin(machineId, version.id, (name) => entry.sensors.find((s) => s.name === name)?.kind);
			const predictor = this.predictors.get(version.id) ?? new Predictor(this.ports.engine, pkg);
			this.predictors.set(version.id, predictor);
			if (extent) {
				const scoredTo = record.intervals[record.intervals.length - 1]?.[1] ?? Number.NEGATIVE_INFINITY;
				const from = Math.max(extent.to - recentMs, scoredTo);
				await this.refuseOtherRate(entry, version.stepMs, extent.to);
				await this.catchUp(entry, {
					pipeline,
					resampler,
					predictor,
					from,
					to: extent.to,
					open,
					resumed: from === scoredTo
				});
			}
			if (this.stopped) return;
			entry.scoring = { versionId: version.id, pipeline, resampler };
			entry.phase = 'live';
			const buffered = entry.buffered;
			entry.buffered = [];
			for (const reading of buffered) this.push(entry, reading);
			this.judgeLive([entry]);
			entry.report ??= reportWithout(entry, 'warming-up', now());
		} catch (error) {
			this.detach(entry);
			entry.phase = 'live';
			entry.buffered = [];
			entry.failedAt = now();
			entry.problem = toPlainError(error).message;
			entry.report = reportWithout(entry, 'no-model', now());
		}
		this.postSoon([entry]);
	}

	private async catchUp(
		entry: MachineEntry,
		job: {
			pipeline: MachinePipeline;
			resampler: Resampler;
			predictor: Predictor;
			from: EpochMs;
			to: EpochMs;
			open: readonly Alarm[];
			/** True when rows before `from` have been judged already. */
			resumed: boolean;
		}
	): Promise<void> {
		const { store } = this.ports;
		const machineId = entry.record.id;
		const { pipeline, resampler, predictor } = job;
		const { stepMs } = pipeline.version;
		const leadFrom = job.from - leadInRows * stepMs;
		const rows = await readRowsOf(store, machineId, resampler, leadFrom, Math.max(job.to, this.ports.now()));
		// A network and smoothing that start cold take a fault for health: rows that only warm them are not written. What is
		// older than `from` and not judged yet is a hole that the history fills, warmed by what lies before it.
		const warmed = job.resumed || (rows[0]?.time ?? Infinity) <= leadFrom + 2 * stepMs;
		const lead = warmed ? rows.filter((row) => row.time <= job.from) : [];
		const fresh = rows.slice(lead.length);
		await this.recallScores(pipeline, leadFrom, await this.courses.of(pipeline));
		judgeDue(predictor, [{ pipeline, rows: lead }], (_, __, verdict) => takeVerdict(entry, verdict));
		const alarm = job.open.find(
			(candidate) => candidate.kind === 'anomaly' && isOpen(candidate) && isActive(candidate)
		);
		const spans = await store.spans.list({ machineId, from: leadFrom, to: job.to });
		const span = pipeline.adopt(
			alarm,
			spans.find(({ end }) => end === undefined)
		);
		if (span && warmed) this.writer.addSpan(span);
		let before: EpochMs | undefined = job.resumed ? job.from : undefined;
		for (let start = 0; start < fresh.length; start += 300) {
			judgeDue(predictor, [{ pipeline, rows: fresh.slice(start, start + 300) }], (_, row, verdict) => {
				this.writer.add(machineId, verdict, { alarms: true });
				this.drift.add(machineId, verdict.detected);
				const from = row.breakBefore || before === undefined ? row.time : before;
				this.writer.markScored(machineId, [from, row.time], stepMs, resampler.phase);
				before = row.time;
				entry.scoredTo = row.time;
				takeVerdict(entry, verdict);
				entry.lastTime = Math.max(entry.lastTime ?? 0, row.time);
			});
			await breathe();
		}
		await this.write();
	}

	/** Tells the prognosis what is stored of the machine's scores, a month at most. */
	private async recallScores(pipeline: MachinePipeline, to: EpochMs, course?: readonly LevelPoint[]): Promise<void> {
		const { series } = this.ports.store;
		// From the machine's first reading on: points spread over a month would tell little of an hour.
		const extent = await series.extent(pipeline.machineId);
		if (!extent) return;
		const [scores] = await series.query({
			sensorIds: [sensorIdOf(pipeline.machineId, derivedSeries.score)],
			from: Math.max(extent.from, to - recalledMs),
			to,
			maxPoints: recalledPoints
		});
		if (scores && scores.times.length > 0) pipeline.recallScores(scores.times, scores.mean, course);
	}

	/** A model of another rate would see held values and judge them as stuck: say so instead. */
	private async refuseOtherRate(entry: MachineEntry, stepMs: number, to: EpochMs): Promise<void> {
		const slices = await this.ports.store.series.query({
			sensorIds: entry.sensors.slice(0, 3).map(({ id }) => id),
			from: to - 100 * stepMs,
			to
		});
		let longest = new Float64Array() as Float64Array;
		for (const { times } of slices) if (times.length > longest.length) longest = times;
		const step = learnStep(longest);
		if (step !== undefined && step > stepMs * 2)
			throw new Error(
				`${entry.record.id} reports every ${step / 1000} s; its model was trained for every ${stepMs / 1000} s. Train one on its own data.`
			);
	}

	/** Scores holes in the last day of history, machines of one model together. */
	private async scoreOlder(): Promise<void> {
		const { store, now } = this.ports;
		const groups = new Map<string, HistoryTask[]>();
		for (const entry of this.machines.values()) {
			if (entry.phase !== 'live' || !entry.scoring || entry.scoredTo === undefined) continue;
			const machineId = entry.record.id;
			if (now() - (this.historyTried.get(machineId) ?? 0) < 5_000) continue;
			this.historyTried.set(machineId, now());
			const extent = await store.series.extent(machineId);
			if (!extent) continue;
			const { stepMs } = entry.scoring.pipeline.version;
			const { intervals, phase } = await this.writer.recordOf(machineId);
			const from = Math.max(extent.from, extent.to - historyMs);
			const [hole] = missingIntervals(intervals, from, Math.min(extent.to, entry.scoredTo), holeAtLeastSteps * stepMs);
			const predictor = this.predictors.get(entry.scoring.versionId);
			if (!hole || !predictor) continue;
			const adaptation = await this.adaptations.adaptationOf(machineId, entry.scoring.versionId);
			const task = { machineId, predictor, hole, phase: phase ?? entry.scoring.resampler.phase, adaptation };
			const group = groups.get(entry.scoring.versionId);
			if (group) group.push(task);
			else groups.set(entry.scoring.versionId, [task]);
		}
		for (const [versionId, tasks] of groups) {
			const proceed = async () => {
				await breathe();
				return !this.stopped && this.predictors.get(versionId) === tasks[0]!.predictor && !this.somebodyWaits();
			};
			const open = await scoreHistory(store, this.writer, tasks, proceed);
			for (const { machineId, hole } of tasks) {
				const older = open.get(machineId);
				if (!older) continue;
				const live = this.machines.get(machineId)?.scoring?.pipeline;
				const stepMs = live?.version.stepMs ?? 0;
				const joined = live?.openSpan && live.openSpan.start - hole[1] <= 60 * stepMs ? live.backdate(older) : {};
				this.writer.addSpan(joined.span ?? { ...older, end: hole[1] });
				if (joined.alarmChange) this.writer.addChange(joined.alarmChange);
				for (const task of tasks) this.historyTried.delete(task.machineId);
			}
			for (const task of tasks) this.historyTried.delete(task.machineId);
			await this.write();
			for (const { machineId } of tasks) {
				const pipeline = this.machines.get(machineId)?.scoring?.pipeline;
				if (pipeline) await this.recallScores(pipeline, this.ports.now());
			}
			if (this.stopped || this.somebodyWaits()) return;
		}
	}

	private somebodyWaits(): boolean {
		for (const { phase, failedAt } of this.machines.values())
			if (phase === 'waiting' && failedAt === undefined) return true;
		return false;
	}

	private detach(entry: MachineEntry): void {
		const { scoring } = entry;
		if (!scoring) return;
		const span = scoring.pipeline.close(entry.scoredTo ?? this.ports.now());
		if (span) this.writer.addSpan(span);
		this.courses.keep(scoring.pipeline);
		entry.scoring = undefined;
		this.due.remove(entry);
		this.drift.end(entry.record.id);
		const predictor = this.predictors.get(scoring.versionId);
		try {
			predictor?.leave(entry.record.id);
		} catch {
			// Its stream is broken: it is being given up anyway.
		}
		for (const other of this.machines.values()) if (other.scoring?.versionId === scoring.versionId) return;
		this.predictors.delete(scoring.versionId);
		predictor?.dispose();
	}

	/** Once a second: steps that nobody completes, machines that fell silent, retries. */
	private tick(): void {
		const now = this.ports.now();
		const quiet: MachineEntry[] = [];
		for (const entry of this.machines.values()) {
			const { scoring } = entry;
			if (!scoring || entry.phase !== 'live') continue;
			const { stepMs } = scoring.pipeline.version;
			const silence = now - Math.max(entry.heardAt ?? entry.lastTime ?? now, 0);
			if (entry.heardAt !== undefined && silence > stepMs) {
				scoring.resampler.flush();
				quiet.push(entry);
			}
			this.watchSilence(entry, silence, stepMs, now);
		}
		if (this.judgeLive(quiet) > 0) this.postSoon(quiet);
		if (now - this.prognosesAt >= prognosesEveryMs) {
			this.prognosesAt = now;
			for (const entry of this.machines.values()) entry.prognosisDue = entry.prognosis !== undefined;
		}
		if (now - this.comparedAt >= compareEveryMs) {
			this.comparedAt = now;
			void this.compareWithStorage().catch(() => undefined);
		}
		void this.reviewAdaptations();
		if (!this.isHistoryBeingMade) void this.promoted.lookNext();
		this.wake();
	}

	/** One machine a second at most: a review reads a month of scores. */
	private async reviewAdaptations(): Promise<void> {
		if (this.reviewing) return;
		this.reviewing = true;
		try {
			await this.adaptations.reviewNext();
		} catch (error) {
			this.problem = `Adaptations could not be reviewed: ${toPlainError(error).message}`;
		}
		this.reviewing = false;
	}
	private reviewing = false;

	/** Readings that were stored without being heard here (the channel promises nothing): their machine catches up. */
	private async compareWithStorage(): Promise<void> {
		for (const entry of this.machines.values()) {
			if (entry.phase !== 'live' || !entry.scoring || entry.scoredTo === undefined) continue;
			if (entry.heardAt !== undefined && this.ports.now() - entry.heardAt < compareEveryMs) continue;
			const { scoring, scoredTo } = entry;
			const extent = await this.ports.store.series.extent(entry.record.id);
			const behind = extent !== undefined && extent.to - scoredTo > holeAtLeastSteps * scoring.pipeline.version.stepMs;
			if (behind && entry.scoring === scoring && entry.scoredTo === scoredTo) entry.phase = 'waiting';
		}
	}

	private watchSilence(entry: MachineEntry, silence: number, stepMs: number, now: EpochMs): void {
		const limit = Math.max(staleSteps * stepMs, staleAtLeastMs);
		if (silence <= limit) {
			if (entry.staleAlarm) {
				this.writer.addChange({ kind: 'return', id: entry.staleAlarm, at: now });
				entry.staleAlarm = undefined;
				void this.write();
			}
			return;
		}
		// Imported data ends; a link that is down is the link's own trouble, shown there.
		const expected =
			entry.record.origin !== 'import' && this.link?.state === 'connected' && now - this.startedAt > limit;
		if (!expected || entry.lastTime === undefined) return;
		if (!entry.staleAlarm) {
			const change = raiseStale(entry.record.id, entry.lastTime, now);
			entry.staleAlarm = change.alarm.id;
			this.writer.addChange(change);
			void this.write();
		}
		if (entry.report?.unscored !== 'stale') {
			entry.report = reportWithout(entry, 'stale', now);
			this.postSoon([entry]);
		}
	}

	private async write(): Promise<void> {
		try {
			await this.writer.flush();
			await this.drift.flush();
			await this.courses.flush(this.livePipelines());
			this.problem = undefined;
		} catch (error) {
			this.problem = `Verdicts could not be stored: ${toPlainError(error).message}`;
		}
	}

	private *livePipelines(): Iterable<MachinePipeline> {
		for (const { scoring } of this.machines.values()) if (scoring) yield scoring.pipeline;
	}

	/** Posts the machines' latest reports now, or with the next group if one has just gone out. */
	private postSoon(entries: Iterable<MachineEntry>): void {
		for (const entry of entries) this.touched.add(entry);
		if (this.postTimer !== undefined || this.touched.size === 0) return;
		const wait = this.postedAt + postEveryMs - this.ports.now();
		if (wait <= 0) this.postTouched();
		else this.postTimer = setTimeout(() => this.postTouched(), wait);
	}

	private postTouched(): void {
		clearTimeout(this.postTimer);
		this.postTimer = undefined;
		this.postedAt = this.ports.now();
		const reports: HealthReport[] = [];
		const prognoses: Prognosis[] = [];
		for (const entry of this.touched) {
			if (entry.report) reports.push(entry.report);
			if (entry.prognosis && entry.prognosisDue) prognoses.push(entry.prognosis);
			entry.prognosisDue = false;
		}
		this.touched.clear();
		if (reports.length > 0) this.ports.post({ kind: 'verdicts', reports, ...(prognoses.length > 0 && { prognoses }) });
	}

	private postStatus(): void {
		const entries = [...this.machines.values()];
		const { verdicts, late } = this.due.lastMinute(this.ports.now());
		const problems = entries.flatMap(({ problem }) => (problem ? [problem] : []));
		const status: InferenceStatus = {
			backend: this.ports.engine.report.backend,
			machinesScored: entries.filter(({ scoring, scoredTo }) => scoring && scoredTo !== undefined).length,
			machinesWithoutModel: entries.filter(({ phase, scoring }) => phase === 'live' && !scoring).length,
			p50Ms: this.latency.quantile(0.5),
			p95Ms: this.latency.quantile(0.95),
			verdicts,
			late,
			waiting: this.due.size,
			tensors: this.ports.engine.tensorCount(),
			problem: this.problem ?? (problems.length > 1 ? `${problems[0]} (and ${problems.length - 1} more)` : problems[0])
		};
		this.ports.post({ kind: 'inference', status });
	}
}

function takeVerdict(entry: MachineEntry, { report, prognosis }: Verdict): void {
	entry.report = report;
	if (entry.prognosis === prognosis) return;
	entry.prognosis = prognosis;
	entry.prognosisDue = true;
}

/** Lets messages that came meanwhile be heard. */
function breathe(): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, 0));
}
