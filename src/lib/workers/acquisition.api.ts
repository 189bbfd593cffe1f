/**
 * What the page may ask of the acquisition worker.
 *
 * Every tab spawns one; the one that holds the Web Lock `lockName('acquisition', workspace)` owns the socket, decodes and
 * stores, the others wait for the lock. What to connect to is not a call: it is the `source` setting in storage, which
 * the owner watches. Readings, link status and counters come over the live channel (contracts/live.ts).
 */
import type { BrokerProbe, BrokerSettings, WorkspaceName } from '../contracts';

export interface AcquisitionApi {
	start(workspace: WorkspaceName, clientName: string): Promise<void>;
	/** Leaves the broker cleanly and commits what is pending. */
	stop(): Promise<void>;
	/** Asks for the present status and counters to be posted to the live channel again. */
	announce(): Promise<void>;
	/** One short connection attempt with these settings; says what a person should mend. Stores nothing. */
	probeBroker(settings: BrokerSettings): Promise<BrokerProbe>;
}
