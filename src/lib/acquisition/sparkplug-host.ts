/**
 * Data Acquisition, MQTT: this device as a Sparkplug primary host (Sparkplug 3.0, 6.4.12 and 5.x): edge nodes that wait for one hold
 * their data back while it is away.
 *
 * Out: the retained STATE message `spBv1.0/STATE/<host>` with `{"online":…,"timestamp":…}`: offline as last will and on leaving, online
 * once subscribed, with the timestamp of the connection's will; said again when somebody else's late will says offline.
 */
import type { EpochMs } from '../contracts';

export interface HostState {
	readonly topic: string;
	readonly payload: string;
}

export class SparkplugHost {
	readonly topic: string;
	#connectedAt: EpochMs = 0;

	constructor(
		hostId: string,
		private readonly now: () => EpochMs
	) {
		this.topic = `spBv1.0/STATE/${hostId}`;
	}

	/** A new connection begins: its will, whose timestamp its birth repeats. */
	will(): HostState {
		this.#connectedAt = this.now();
		return this.#state(false, this.#connectedAt);
	}

	online(): HostState {
		return this.#state(true, this.#connectedAt);
	}

	offline(): HostState {
		return this.#state(false, this.now());
	}

	/** What to publish in answer to a STATE of this host, if anything. */
	answer(payload: Uint8Array): HostState | undefined {
		let online: unknown;
		try {
			online = (JSON.parse(new TextDecoder().decode(payload)) as { online?: unknown } | null)?.online;
		} catch {
			online = false;
		}
		// With the time of this connection: a later one than its will's would make edge nodes take the will for an older connection's.
		return online === true ? undefined : this.online();
	}

	#state(online: boolean, timestamp: EpochMs): HostState {
		return { topic: this.topic, payload: JSON.stringify({ online, timestamp: Math.round(timestamp) }) };
	}
}
