/**
 * Inference: the last day of stored history, judged in the background where live scoring has not seen it.
 *
 * In: machines that are live and what has been scored of them. Out: their holes scored, the newest first, machines of one model together.
 */
import type { EpochMs, MachineId } from '../../contracts';
import type { GoLive } from './go-live';
import { scoreHistory, type HistoryTask } from './history';
import type { MachineEntry } from './machine-entry';
import { missingIntervals } from './scored-intervals';
import { breathe, type ScoringParts } from './scoring-parts';

/** History older than this is not scored by itself. */
const historyMs = 24 * 3_600_000;
export const holeAtLeastSteps = 10;
const tryAgainMs = 5_000;

export class OlderHistory {
	private readonly tried = new Map<MachineId, EpochMs>();

	constructor(
		private readonly parts: ScoringParts,
		private readonly goLive: GoLive
	) {}

	/** Scores what is missing until somebody waits to go live. Rejects when storage does. */
	async score(): Promise<void> {
		for (const [versionId, tasks] of await this.tasks()) {
			await this.run(versionId, tasks);
			if (this.parts.isStopped() || this.somebodyWaits()) return;
		}
	}

	private async tasks(): Promise<Map<string, HistoryTask[]>> {
		const { store, now, roster, networks, writer, adaptations } = this.parts;
		const groups = new Map<string, HistoryTask[]>();
		for (const entry of roster) {
			if (entry.phase !== 'live' || !entry.scoring || entry.scoredTo === undefined) continue;
			const machineId = entry.record.id;
			if (now() - (this.tried.get(machineId) ?? 0) < tryAgainMs) continue;
			this.tried.set(machineId, now());
			const extent = await store.series.extent(machineId);
			if (!extent) continue;
			const { version } = entry.scoring.pipeline;
			const { intervals, phase } = await writer.recordOf(machineId);
			const from = Math.max(extent.from, extent.to - historyMs, this.judgedFrom(entry));
			const [hole] = missingIntervals(
				intervals,
				from,
				Math.min(extent.to, entry.scoredTo),
				holeAtLeastSteps * version.stepMs
			);
			const predictor = networks.get(version.id);
			if (!hole || !predictor) continue;
			const adaptation = await adaptations.adaptationOf(machineId, version.id);
			const task = {
				machineId,
				basis: version,
				predictor,
				hole,
				phase: phase ?? entry.scoring.resampler.phase,
				adaptation,
				failures: entry.scoring.pipeline.knownFailures
			};
			const group = groups.get(version.id);
			if (group) group.push(task);
			else groups.set(version.id, [task]);
		}
		return groups;
	}

	/** A level watch has nothing to say of what it has learnt from, nor of what came before. */
	private judgedFrom(entry: MachineEntry): EpochMs {
		return this.parts.levels.inUse(entry)?.to ?? Number.NEGATIVE_INFINITY;
	}

	private async run(versionId: string, tasks: readonly HistoryTask[]): Promise<void> {
		const { store, now, roster, networks, writer, courses, write, isStopped } = this.parts;
		const proceed = async () => {
			await breathe();
			return !isStopped() && networks.get(versionId) === tasks[0]!.predictor && !this.somebodyWaits();
		};
		const judged = await scoreHistory(store, writer, tasks, proceed);
		for (const { machineId, hole, basis } of tasks) {
			const live = roster.get(machineId)?.scoring?.pipeline;
			const past = judged.get(machineId);
			if (past && live?.version === basis) live.tail.absorb(past);
			const older = past?.openSpan;
			if (!older) continue;
			const stepMs = live?.version.stepMs ?? 0;
			const joined = live?.openSpan && live.openSpan.start - hole[1] <= 60 * stepMs ? live.backdate(older) : {};
			writer.addSpan(joined.span ?? { ...older, end: hole[1] });
			if (joined.alarmChange) writer.addChange(joined.alarmChange);
		}
		for (const { machineId } of tasks) this.tried.delete(machineId);
		await write();
		for (const { machineId } of tasks) {
			const pipeline = roster.get(machineId)?.scoring?.pipeline;
			if (!pipeline) continue;
			await this.goLive.recallScores(pipeline, now(), judged.get(machineId)?.course);
			courses.keep(pipeline);
		}
	}

	private somebodyWaits(): boolean {
		for (const { phase, failedAt } of this.parts.roster) if (phase === 'waiting' && failedAt === undefined) return true;
		return false;
	}
}
