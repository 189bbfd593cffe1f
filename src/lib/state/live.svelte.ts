/**
 * The page's one ear on the live channel of the open workspace.
 *
 * In: what workers post. Out: listeners by kind, and the latest link status, intake counters and inference status as
 * reactive values. A tab that opens later asks the workers to announce themselves again.
 */
import {
	liveChannelName,
	type EpochMs,
	type InferenceStatus,
	type IntakeCounters,
	type LinkStatus,
	type LiveMessage,
	type WorkspaceName
} from '$lib/contracts';

type Kind = LiveMessage['kind'];
type MessageOf<K extends Kind> = Extract<LiveMessage, { kind: K }>;
type Listener = (message: LiveMessage) => void;

interface Latest {
	link: LinkStatus | undefined;
	intake: IntakeCounters | undefined;
	inference: InferenceStatus | undefined;
	/** When the newest live readings reached the plant's link. */
	lastReadingAt: EpochMs | undefined;
}

const nothing: Latest = { link: undefined, intake: undefined, inference: undefined, lastReadingAt: undefined };

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
			case 'readings':
				this.#latest = {
					...this.#latest,
					lastReadingAt: Math.max(this.#latest.lastReadingAt ?? 0, message.batch.receivedAt)
				};
				break;
		}
		for (const listener of this.#listeners.get(message.kind) ?? []) listener(message);
	}
}

export const live = new Live();
