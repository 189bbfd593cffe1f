/**
 * What the page may ask of the acquisition worker.
 *
 * Every tab spawns one; the one that holds the Web Lock `lockName('acquisition', workspace)` owns the socket, decodes and
 * stores, the others wait for the lock. What to connect to is not a call: it is the `source` setting in storage, which
 * the owner watches. Readings, link status and counters come over the live channel (contracts/live.ts).
 */
import type {
	BrokerProbe,
	BrokerSettings,
	ListeningProgress,
	SourceSurvey,
	TopicGroupRule,
	WorkspaceName
} from '../contracts';

export interface AcquisitionApi {
	start(workspace: WorkspaceName, clientName: string): Promise<void>;
	/** Leaves the broker cleanly and commits what is pending. */
	stop(): Promise<void>;
	/** Asks for the present status and counters to be posted to the live channel again. */
	announce(): Promise<void>;
	/** One short connection attempt with these settings; says what a person should mend. Stores nothing. */
	probeBroker(settings: BrokerSettings): Promise<BrokerProbe>;
	/**
	 * Listens for half a minute, or until `stopListening(jobId)`, and proposes machines and sensors; stores nothing. A second call with the same
	 * job goes on with what was heard before. `rules`: what is known of topic levels. Progress by `onProgress` (a Comlink proxy).
	 */
	listen(
		jobId: string,
		settings: BrokerSettings,
		rules: readonly TopicGroupRule[],
		onProgress: (progress: ListeningProgress) => void
	): Promise<SourceSurvey>;
	stopListening(jobId: string): Promise<void>;
	/** The same messages under other rules. @throws MillwrightError `not-found` when nothing was heard under this job */
	reviseSurvey(jobId: string, rules: readonly TopicGroupRule[]): Promise<SourceSurvey>;
	forgetSurvey(jobId: string): Promise<void>;
}
