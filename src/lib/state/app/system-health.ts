/**
 * Is Millwright itself well? In: link, workers, scoring and storage as they report themselves. Out: one line per part
 * with its level, and the worst of them, for the plant screen's last figure.
 */
import type { AlarmPriority, InferenceStatus, PlainError } from '../../contracts';
import { formatBytes, formatShare } from '../../words';
import type { LinkWords } from '../intake/link-words';
import type { WorkerCondition } from './worker-supervisor';

export interface StorageUse {
	/** Bytes this origin holds, as the browser counts them. */
	readonly used: number;
	/** Bytes the browser allows. */
	readonly allowed: number;
	/** Whether the browser has promised not to evict the data. */
	readonly persistent: boolean;
	/** Until the oldest raw readings begin to go; NaN while unknown, Infinity when storage does not grow. */
	readonly daysUntilTrimming: number;
}

export interface SystemPart {
	readonly name: string;
	readonly words: string;
	readonly level: 'normal' | AlarmPriority;
}

/** So long ahead it is announced that raw readings will begin to go. */
export const trimmingAnnouncedDays = 7;

/** Says so, or undefined when there is nothing to announce: unknown, far off, or long begun. */
export function trimmingAnnouncement(storage: StorageUse | undefined): string | undefined {
	const days = storage?.daysUntilTrimming ?? NaN;
	if (!(days > 0 && days <= trimmingAnnouncedDays)) return undefined;
	const when = days < 1.5 ? 'Within a day' : `In about ${Math.round(days)} days`;
	return `${when} this device's room for readings is used up. The oldest raw readings will go then, their values by minute, hour and day stay. Export them or make a backup if they are needed.`;
}

/** Storage beyond this share of what the browser allows needs a person. */
export const storageFullShare = 0.9;

export function systemParts(input: {
	readonly link: LinkWords;
	readonly workers: Readonly<Record<'acquisition' | 'inference' | 'training', WorkerCondition>>;
	readonly inference: InferenceStatus | undefined;
	readonly storage: StorageUse | undefined;
	readonly storageProblem?: PlainError;
}): SystemPart[] {
	const { link, workers, inference, storage, storageProblem } = input;
	return [
		{ name: 'Link', words: link.text, level: link.level },
		workerPart('Intake', workers.acquisition),
		scoringPart(workers.inference, inference),
		storagePart(storage, storageProblem)
	];
}

export function worstLevel(parts: readonly SystemPart[]): SystemPart['level'] {
	for (const level of ['high', 'medium', 'low'] as const) if (parts.some((part) => part.level === level)) return level;
	return 'normal';
}

function workerPart(name: string, worker: WorkerCondition): SystemPart {
	switch (worker.state) {
		case 'running':
			return {
				name,
				words: worker.restarts > 0 ? `running, restarted ${worker.restarts} times` : 'running',
				level: 'normal'
			};
		case 'restarting':
			return { name, words: `restarting after: ${worker.problem?.message ?? 'a crash'}`, level: 'high' };
		case 'starting':
			return { name, words: 'starting', level: 'normal' };
		case 'off':
			return { name, words: 'off', level: 'normal' };
	}
}

function scoringPart(worker: WorkerCondition, status: InferenceStatus | undefined): SystemPart {
	if (worker.state === 'restarting') return workerPart('Scoring', worker);
	if (status?.problem) return { name: 'Scoring', words: status.problem, level: 'medium' };
	if (!status) return { name: 'Scoring', words: worker.state === 'off' ? 'off' : 'starting', level: 'normal' };
	const latency = Number.isFinite(status.p50Ms)
		? `, verdict ${Math.round(status.p50Ms)} ms after storing (95 %: ${Math.round(status.p95Ms)} ms)`
		: '';
	return { name: 'Scoring', words: `${status.backend ?? 'no backend yet'}${latency}`, level: 'normal' };
}

function storagePart(storage: StorageUse | undefined, problem: PlainError | undefined): SystemPart {
	if (problem) return { name: 'Storage', words: problem.message, level: 'high' };
	if (!storage) return { name: 'Storage', words: 'not measured yet', level: 'normal' };
	const share = storage.allowed > 0 ? storage.used / storage.allowed : NaN;
	const words = `${formatBytes(storage.used)}, ${formatShare(share, 1)} of what the browser allows${storage.persistent ? '' : '; not protected from eviction'}`;
	return {
		name: 'Storage',
		words,
		level: share > storageFullShare || trimmingAnnouncement(storage) !== undefined ? 'medium' : 'normal'
	};
}
