/**
 * Inference: what a pipeline knows of its machine by having watched it, kept over a reload: the course of the sensors' levels, on which
 * the prognosis rests, the machine's own level, against which it is judged, and how high its score comes, by which the threshold is set.
 *
 * In: pipelines as they run. Out: every few minutes, and when one ends, a setting of the machine; given back only to the version that
 * it was seen with.
 */
import type { EpochMs, JudgingBasis, LevelWatch, MachineId } from '../../contracts';
import type { OwnLevels, ScoreTailRecord } from '../../detection';
import type { MachinePipeline } from '../../pipeline';
import type { LevelPoint } from '../../prognostics';
import type { Store } from '../../storage/store';

const keepEveryMs = 300_000;
/** Written at a time, so that a plant of thousands does not hold up the verdicts. */
const mostAtOnce = 20;

interface CourseRecord {
	readonly format: 1;
	readonly versionId: string;
	readonly points: readonly LevelPoint[];
	readonly ownLevels?: OwnLevels;
	readonly tail?: ScoreTailRecord;
	/** Of a level watch, which keeps its id when it is learnt again: scores of before were over other thresholds. */
	readonly learnedAt?: EpochMs;
}

/** What an earlier run knew; no points where it knew nothing. */
export type Course = Pick<CourseRecord, 'points' | 'ownLevels' | 'tail'>;

const courseKey = (machineId: MachineId) => `course:${machineId}`;

export class CourseKeeper {
	private readonly keptAt = new Map<MachineId, EpochMs>();
	private readonly pending = new Map<MachineId, CourseRecord>();

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs
	) {}

	/** What an earlier run saw under this version. */
	async of({ machineId, version }: MachinePipeline): Promise<Course> {
		const record = this.pending.get(machineId) ?? (await this.store.settings.get<CourseRecord>(courseKey(machineId)));
		if (record?.format !== 1 || record.versionId !== version.id) return { points: [] };
		const { points, ownLevels, tail } = record;
		return { points, ownLevels, tail: record.learnedAt === learnedAtOf(version) ? tail : undefined };
	}

	/** Takes the machine's course as it is now, to be written with the next group. */
	keep({ machineId, version, course, knownLevels, tail }: MachinePipeline): void {
		this.keptAt.set(machineId, this.now());
		if (course.length === 0 && !knownLevels.residuals && !tail.watched) return;
		const learnedAt = learnedAtOf(version);
		this.pending.set(machineId, {
			format: 1,
			versionId: version.id,
			points: course,
			tail: tail.record,
			ownLevels: knownLevels,
			...(learnedAt !== undefined && { learnedAt })
		});
	}

	/** Writes what is due of the machines that run. Rejects when storage does; nothing is lost by it. */
	async flush(running: Iterable<MachinePipeline>): Promise<void> {
		let due = 0;
		for (const pipeline of running) {
			const kept = this.keptAt.get(pipeline.machineId);
			if (kept === undefined) this.keptAt.set(pipeline.machineId, this.now());
			else if (this.now() - kept >= keepEveryMs && due++ < mostAtOnce) this.keep(pipeline);
		}
		if (this.pending.size === 0) return;
		const written = new Map(this.pending);
		await this.store.settings.setAll(new Map([...written].map(([id, record]) => [courseKey(id), record])));
		for (const [machineId, record] of written)
			if (this.pending.get(machineId) === record) this.pending.delete(machineId);
	}
}

function learnedAtOf(basis: JudgingBasis | LevelWatch): EpochMs | undefined {
	return 'learnedAt' in basis ? basis.learnedAt : undefined;
}
