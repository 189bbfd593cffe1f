/**
 * The page's one ear on the live channel of the open workspace.
 *
 * In: what workers post. Out: listeners by kind, and the latest link status, intake counters and inference status as
 * reactive values. A tab that opens later asks the workers to announce themselves again.
 */
import {
	liveChannelName,
	type DataHealthReport,
	type EpochMs,
	type InferenceStatus,
	type IntakeCounters,
	type LinkStatus,
	type LiveMessage,
	type ReadingBatch,
	type WorkspaceName
} from '$lib/contracts';

type Kind = LiveMessage['kind'];
type MessageOf<K extends Kind> = Extract<LiveMessage, { kind: K }>;
type Listener = (message: LiveMessage) => void;

interface Latest {
	link: LinkStatus | undefined;
	intake: IntakeCounters | undefined;
	inference: InferenceStatus | undefined;
	health: DataHealthReport | undefined;
	/** When the newest live readings reached the plant's link. */
	lastReadingAt: EpochMs | undefined;
}

/** A reading this much older than its arrival is history. */
const historicalAfterMs = 600_000;

const nothing: Latest = {
	link: undefined,
	intake: undefined,
	inference: undefined,
	health: undefined,
	lastReadingAt: undefined
};

class Live {
	#latest = $state.raw<Latest>(nothing);
	#channel: BroadcastChannel | undefined;
	#listeners = new Map<Kind, Set<Listener>>();

	get link(): LinkStatus | undefined {
		return this.#latest.link;
	}
	get intake(): IntakeCounters | undefined {
		return this.#latest.intake;
	}
	get inference(): InferenceStatus | undefined {
		return this.#latest.inference;
	}
	/** What is the matter with the data, as found last. */
	get health(): DataHealthReport | undefined {
		return this.#latest.health;
	}
	get lastReadingAt(): EpochMs | undefined {
		return this.#latest.lastReadingAt;
	}

	open(workspace: WorkspaceName): void {
		this.close();
		this.#channel = new BroadcastChannel(liveChannelName(workspace));
		this.#channel.onmessage = (event: MessageEvent<LiveMessage>) => this.#hear(event.data);
	}

	close(): void {
		this.#channel?.close();
		this.#channel = undefined;
		this.#latest = nothing;
	}

	/** Calls `listener` for every message of a kind until the returned function is called. Survives workspace changes. */
	on<K extends Kind>(kind: K, listener: (message: MessageOf<K>) => void): () => void {
		const listeners = this.#listeners.get(kind) ?? new Set();
		this.#listeners.set(kind, listeners);
		listeners.add(listener as Listener);
		return () => listeners.delete(listener as Listener);
	}

	#hear(message: LiveMessage): void {
		switch (message.kind) {
			case 'link':
				this.#latest = { ...this.#latest, link: message.status };
				break;
			case 'intake':
				this.#latest = { ...this.#latest, intake: message.counters };
				break;
			case 'inference':
				this.#latest = { ...this.#latest, inference: message.status };
				break;
			case 'data-health':
				this.#latest = { ...this.#latest, health: message.report };
				break;
			case 'readings':
				if (isLive(message.batch))
					this.#latest = {
						...this.#latest,
						lastReadingAt: Math.max(this.#latest.lastReadingAt ?? 0, message.batch.receivedAt)
					};
				break;
		}
		for (const listener of this.#listeners.get(message.kind) ?? []) listener(message);
	}
}

/** Readings of an import, or of history made up for, are committed now but say nothing of whether data comes now. */
function isLive(batch: ReadingBatch): boolean {
	let newest = -Infinity;
	for (const time of batch.times) if (time > newest) newest = time;
	return batch.receivedAt - newest < historicalAfterMs;
}

export const live = new Live();
