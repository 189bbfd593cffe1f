/**
 * Inference: keeps every machine of a workspace judged.
 *
 * In: committed readings (live channel) and stored history. Out: verdicts on the channel; score, health, spans and alarms in
 * storage. Newest first: a machine's last ten minutes are scored when it is met, then its readings as they come, and what is
 * older in the background. A failure of one machine or model is shown and tried again; it stops nobody else.
 */
import {
	toPlainError,
	type EpochMs,
	type InferenceStatus,
	type LinkStatus,
	type LiveMessage,
	type MachineId,
	type MachineRecord,
	type RiskAssignment,
	type RulAssignment,
	type SensorRecord
} from '../../contracts';
import type { Engine } from '../../neural';
import type { MachinePipeline } from '../../pipeline';
import type { Store } from '../../storage/store';
import { AdaptationKeeper } from './adaptation-keeper';
import { CourseKeeper } from './course-keeper';
import { DriftKeeper } from './drift-keeper';
import { FailureAdviser } from './failure-adviser';
import { GoLive } from './go-live';
import { LevelKeeper } from './level-keeper';
import { LiveJudging } from './live-judging';
import { reportWithout, type MachineEntry } from './machine-entry';
import { MachineRoster } from './machine-roster';
import type { ModelSource } from '../model-source';
import { PromotedClassifiers } from './promoted-classifiers';
import { PromotedKeeper, Track } from './promoted-keeper';
import { PromotedLives } from './promoted-lives';
import { Networks } from './networks';
import { OlderHistory, holeAtLeastSteps } from './older-history';
import type { ScoringParts } from './scoring-parts';
import { SilenceWatch } from './silence-watch';
import { VerdictAnnouncer } from './verdict-announcer';
import { VerdictWriter } from './verdict-writer';

export interface ScoringPorts {
	readonly store: Store;
	readonly engine: Engine;
	readonly models: ModelSource;
	readonly now: () => EpochMs;
	readonly post: (message: LiveMessage) => void;
}

const writeEveryMs = 1_000;
const statusEveryMs = 2_000;
const retryAfterMs = 30_000;
const compareEveryMs = 10_000;
/** Machines that wait for storage together: verdicts are being written, and each of a machine's dozen questions waits for that. */
const preparedTogether = 32;

export class ScoringService {
	private readonly roster = new MachineRoster();
	private readonly networks: Networks;
	private readonly writer: VerdictWriter;
	private readonly adaptations: AdaptationKeeper;
	private readonly drift: DriftKeeper;
	private readonly courses: CourseKeeper;
	private readonly levels: LevelKeeper;
	private readonly promoted: PromotedKeeper;
	private readonly failures: FailureAdviser;
	private readonly goLive: GoLive;
	private readonly live: LiveJudging;
	private readonly olderHistory: OlderHistory;
	private readonly silence: SilenceWatch;
	private readonly announcer: VerdictAnnouncer;
	private readonly stops: (() => void)[] = [];
	private assignments = new Map<MachineId, string>();
	private link: LinkStatus | undefined;
	private loop: Promise<void> | undefined;
	private comparedAt = 0;
	private reviewing = false;
	private stopped = false;
	private problem: string | undefined;

	constructor(private readonly ports: ScoringPorts) {
		const { store, engine, models, now, post } = ports;
		this.networks = new Networks(engine);
		this.writer = new VerdictWriter(store, now);
		this.announcer = new VerdictAnnouncer(post, now);
		this.silence = new SilenceWatch(this.writer, now());
		this.drift = new DriftKeeper(store);
		this.courses = new CourseKeeper(store, now);
		this.levels = new LevelKeeper(store, now);
		this.adaptations = new AdaptationKeeper(
			store,
			now,
			(machineId, adaptation) => this.roster.get(machineId)?.scoring?.pipeline.adapted.set(adaptation),
			(machineId) => this.roster.get(machineId)?.scoring?.pipeline.tail,
			(machineId) => this.drift.calmResiduals(machineId)
		);
		const tracks = [
			new Track<RulAssignment>(new PromotedLives(ports)),
			new Track<RiskAssignment>(new PromotedClassifiers(ports))
		];
		const machine = (id: MachineId) => this.roster.get(id);
		this.failures = new FailureAdviser(
			{
				...{ store, now, machine },
				// Thousands of machines ask in turn: nearly always there is nothing that has to be stored first.
				flush: async () => {
					if (this.writer.urgent) await this.writer.flush();
				},
				change: async (change) => {
					this.writer.addChange(change);
					await this.write();
				}
			},
			tracks
		);
		this.promoted = new PromotedKeeper(
			{ now, machine, machines: () => [...this.roster], adviser: this.failures },
			tracks
		);
		const { roster, networks, writer, adaptations, drift, courses, levels } = this;
		const parts: ScoringParts = {
			...{ store, models, now, roster, networks, writer, adaptations, drift, courses, levels },
			write: () => this.write(),
			detach: (entry) => this.detach(entry),
			isStopped: () => this.stopped,
			assignmentOf: (machineId) => this.assignments.get(machineId)
		};
		this.goLive = new GoLive(parts);
		this.live = new LiveJudging(parts, this.announcer, (versionId, error) => this.fail(versionId, error));
		this.olderHistory = new OlderHistory(parts, this.goLive);
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
		this.announcer.stop();
		await this.loop?.catch(() => undefined);
		await this.writer.flush(true).catch(() => undefined);
		for (const pipeline of this.livePipelines()) this.courses.keep(pipeline);
		await this.courses.flush([]).catch(() => undefined);
		this.networks.dispose();
	}

	/** Posts the latest report of every machine and the status again. */
	announce(): void {
		this.announcer.all(this.roster);
		this.postStatus();
	}

	/** Looks again which model the machine uses, and whether its level watch has been started anew. */
	async reload(machineId: MachineId): Promise<void> {
		const assigned = await this.ports.store.models.assignment(machineId);
		if (assigned === undefined) this.assignments.delete(machineId);
		else this.assignments.set(machineId, assigned);
		this.levels.leave(machineId);
		const entry = this.roster.get(machineId);
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
		if (message.kind === 'readings') this.live.hear(message.batch);
	}

	/** Judging the past while it is being made would only delay the present; it is judged afterwards, many machines together. */
	private get isHistoryBeingMade(): boolean {
		return this.link?.fillingHistory === true && this.link.state === 'connecting';
	}

	/** A model that throws: its machines wait and are tried again later; the others go on. */
	private fail(versionId: string, error: unknown): void {
		const { message } = toPlainError(error);
		const failed = [...this.roster].filter(({ scoring }) => scoring?.versionId === versionId);
		for (const entry of failed) {
			this.detach(entry);
			entry.phase = 'waiting';
			entry.failedAt = this.ports.now();
			entry.problem = `Model ${versionId} failed: ${message}`;
			entry.report = reportWithout(entry, 'no-model', this.ports.now());
		}
		this.networks.drop(versionId);
		this.announcer.soon(failed);
		this.postStatus();
	}

	private adoptAssignments(assignments: Map<MachineId, string>): void {
		// Another choice deserves another try at once.
		for (const entry of this.roster) {
			const { id } = entry.record;
			if (assignments.get(id) !== this.assignments.get(id)) entry.failedAt = undefined;
		}
		this.assignments = new Map(assignments);
		this.wake();
	}

	private adoptRegistry(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		if (this.stopped) return;
		for (const entry of this.roster.adopt(machines, sensors)) {
			this.detach(entry);
			this.writer.forget(entry.record.id);
			this.levels.leave(entry.record.id);
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
			let group: MachineEntry[] = [];
			const prepare = async () => {
				await Promise.all(group.map((entry) => this.goLive.prepare(entry)));
				if (this.stopped) return;
				for (const entry of group) this.levels.grow(entry);
				this.live.judge(group);
				this.announcer.soon(group);
				group = [];
			};
			for (const entry of this.roster) {
				if (this.stopped || this.isHistoryBeingMade) return;
				if (!this.needsPreparing(entry)) continue;
				found = true;
				group.push(entry);
				if (group.length >= preparedTogether) await prepare();
			}
			if (group.length > 0 && !this.stopped) await prepare();
		}
		await this.olderHistory.score();
	}

	/** It waits, or what judges it is no longer what should. */
	private needsPreparing(entry: MachineEntry): boolean {
		const { record, scoring } = entry;
		if (entry.failedAt !== undefined && this.ports.now() - entry.failedAt < retryAfterMs) return false;
		if (entry.phase === 'waiting') return true;
		const assigned = this.assignments.get(record.id);
		if (assigned !== undefined) return assigned !== scoring?.versionId;
		if (record.machineClass === undefined) return this.levels.isOutOfDate(entry);
		// The class's own model: when an assignment was taken back, or the class has become known.
		const target = scoring?.pipeline.version.target;
		return !(target !== undefined && 'machineClass' in target && target.machineClass === record.machineClass);
	}

	private detach(entry: MachineEntry): void {
		const { scoring } = entry;
		if (!scoring) return;
		const span = scoring.pipeline.close(entry.scoredTo ?? this.ports.now());
		if (span) this.writer.addSpan(span);
		this.courses.keep(scoring.pipeline);
		entry.scoring = undefined;
		this.live.leave(entry);
		this.drift.end(entry.record.id);
		const isUsed = [...this.roster].some((other) => other.scoring?.versionId === scoring.versionId);
		this.networks.leave(scoring.versionId, entry.record.id, !isUsed);
	}

	/** Once a second: steps that nobody completes, machines that fell silent, levels to learn, retries. */
	private tick(): void {
		const now = this.ports.now();
		const quiet: MachineEntry[] = [];
		for (const entry of this.roster) {
			const { scoring } = entry;
			if (!scoring || entry.phase !== 'live') continue;
			this.failures.hear(entry);
			const { stepMs } = scoring.pipeline.version;
			const silence = now - Math.max(entry.heardAt ?? entry.lastTime ?? now, 0);
			if (entry.heardAt !== undefined && silence > stepMs) {
				scoring.resampler.flush();
				quiet.push(entry);
			}
			if (this.silence.look(entry, silence, stepMs, this.link, now)) this.announcer.soon([entry]);
		}
		if (this.live.judge(quiet) > 0) this.announcer.soon(quiet);
		if (this.writer.urgent) void this.write();
		this.announcer.renewPrognoses(this.roster);
		if (now - this.comparedAt >= compareEveryMs) {
			this.comparedAt = now;
			void this.compareWithStorage().catch(() => undefined);
		}
		void this.reviewAdaptations();
		if (!this.isHistoryBeingMade) {
			void this.promoted.lookNext();
			this.failures.reviewNowAndThen();
			if (!this.loop) void this.learnLevels();
		}
		this.wake();
	}

	/** One machine without a model at a time. */
	private async learnLevels(): Promise<void> {
		try {
			const entry = await this.levels.learnNext(this.roster);
			if (!entry || this.stopped) return;
			if (await this.levels.watchOf(entry.record.id)) {
				entry.failedAt = undefined;
				this.wake();
			} else if (!entry.scoring) this.live.sayUnwatched(entry);
		} catch (error) {
			this.problem = `Levels could not be learnt: ${toPlainError(error).message}`;
		}
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

	/** Readings that were stored without being heard here (the channel promises nothing): their machine catches up. */
	private async compareWithStorage(): Promise<void> {
		for (const entry of this.roster) {
			if (entry.phase !== 'live' || !entry.scoring || entry.scoredTo === undefined) continue;
			if (entry.heardAt !== undefined && this.ports.now() - entry.heardAt < compareEveryMs) continue;
			const { scoring, scoredTo } = entry;
			const extent = await this.ports.store.series.extent(entry.record.id);
			const behind = extent !== undefined && extent.to - scoredTo > holeAtLeastSteps * scoring.pipeline.version.stepMs;
			if (behind && entry.scoring === scoring && entry.scoredTo === scoredTo) entry.phase = 'waiting';
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
		for (const { scoring } of this.roster) if (scoring) yield scoring.pipeline;
	}

	private postStatus(): void {
		const entries = [...this.roster];
		const problems = entries.flatMap(({ problem }) => (problem ? [problem] : []));
		const status: InferenceStatus = {
			backend: this.ports.engine.report.backend,
			machinesScored: entries.filter(({ scoring, scoredTo }) => scoring && scoredTo !== undefined).length,
			machinesWithoutModel: entries.filter(({ phase, scoring }) => phase === 'live' && !scoring).length,
			machinesByLevels: entries.filter((entry) => this.levels.inUse(entry)).length,
			...this.live.pace,
			tensors: this.ports.engine.tensorCount(),
			problem: this.problem ?? (problems.length > 1 ? `${problems[0]} (and ${problems.length - 1} more)` : problems[0])
		};
		this.ports.post({ kind: 'inference', status });
	}
}
