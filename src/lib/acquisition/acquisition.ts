/**
 * Data Acquisition as a whole, for one tab: waits for its turn to own the source, runs the transport that settings ask for, and
 * tells every tab what it does. The worker exposes it; everything of the browser comes in through `World`.
 */
import {
	liveChannelName,
	lockName,
	MillwrightError,
	toPlainError,
	type BrokerProbe,
	type BrokerSettings,
	type LinkStatus,
	type ListeningProgress,
	type LiveMessage,
	type SourceSettings,
	type SourceSurvey,
	type TopicGroupRule,
	type WorkspaceName
} from '../contracts';
import { probeBroker } from './probe';
import type { AcquisitionStore, LiveChannel, World } from './ports';
import { SourceOwner } from './source-owner';
import type { LevelRule } from './decode/topics';
import { listen, type Listening } from './survey/listen';
import { Survey } from './survey/survey';

export { liveChannelName };

interface Session {
	readonly workspace: WorkspaceName;
	readonly store: AcquisitionStore;
	readonly channel: LiveChannel;
	readonly leave: AbortController;
	readonly ended: Promise<void>;
	owner?: SourceOwner;
	/** What the owner in another tab said last. */
	readonly heard: {
		link?: LinkStatus;
		intake?: Extract<LiveMessage, { kind: 'intake' }>;
		health?: Extract<LiveMessage, { kind: 'data-health' }>;
	};
}

export class Acquisition {
	#session: Session | undefined;
	/** Listenings under way. */
	readonly #jobs = new Map<string, AbortController>();
	/** Surveys that a person looks at, by job, with the link they ended with. */
	readonly #surveys = new Map<string, Listening & { link?: LinkStatus }>();

	constructor(private readonly world: World) {}

	/** Opens the workspace and queues for ownership; returns once the store is open. Starting what runs already does nothing. */
	async start(workspace: WorkspaceName, clientName: string): Promise<void> {
		if (this.#session?.workspace === workspace) return;
		await this.stop();
		const store = await this.world.openStore(workspace);
		const channel = this.world.openChannel(workspace);
		const leave = new AbortController();
		let ended = () => {};
		const session: Session = {
			workspace,
			store,
			channel,
			leave,
			heard: {},
			ended: new Promise<void>((resolve) => (ended = resolve))
		};
		this.#session = session;
		channel.onMessage((message) => {
			if (message.kind === 'link') session.heard.link = message.status;
			else if (message.kind === 'intake') session.heard.intake = message;
			else if (message.kind === 'data-health') session.heard.health = message;
		});
		const own = async () => {
			if (leave.signal.aborted) return;
			const owner = new SourceOwner(this.world, store, channel, clientName);
			session.owner = owner;
			await owner.run(leave.signal);
			session.owner = undefined;
		};
		void this.world
			.lock(lockName('acquisition', workspace), leave.signal, own)
			.catch((error: unknown) => {
				if (!leave.signal.aborted) console.error('Acquisition ended', toPlainError(error));
			})
			.finally(ended);
	}

	async stop(): Promise<void> {
		const session = this.#session;
		if (!session) return;
		this.#session = undefined;
		session.leave.abort();
		await session.ended;
		session.channel.close();
		session.store.close();
	}

	async announce(): Promise<void> {
		const session = this.#session;
		if (!session) return;
		if (session.owner) return session.owner.announce();
		const { link, intake, health } = session.heard;
		if (link) session.channel.post({ kind: 'link', status: { ...link, owner: false } });
		if (intake) session.channel.post(intake);
		if (health) session.channel.post(health);
	}

	probeBroker(settings: BrokerSettings): Promise<BrokerProbe> {
		return probeBroker(settings, this.world);
	}

	async listen(
		jobId: string,
		settings: BrokerSettings,
		rules: readonly TopicGroupRule[],
		onProgress: (progress: ListeningProgress) => void
	): Promise<SourceSurvey> {
		let listening = this.#surveys.get(jobId);
		if (!listening) {
			const publish = (topic: string, payload: Uint8Array) => listening?.publish(topic, payload);
			listening = { survey: new Survey(levelRules(rules), publish), publish: () => undefined };
			this.#surveys.set(jobId, listening);
		}
		const job = new AbortController();
		this.#jobs.set(jobId, job);
		try {
			const survey = await listen(listening, settings, this.world, job.signal, onProgress);
			listening.link = survey.link;
			return survey;
		} finally {
			this.#jobs.delete(jobId);
		}
	}

	async reviseSurvey(jobId: string, rules: readonly TopicGroupRule[]): Promise<SourceSurvey> {
		const listening = this.#surveys.get(jobId);
		if (!listening?.link) throw new MillwrightError('not-found', 'What was heard is no longer there: listen again');
		listening.survey.revise(levelRules(rules));
		return listening.survey.result(listening.link);
	}

	async forgetSurvey(jobId: string): Promise<void> {
		this.#jobs.get(jobId)?.abort();
		this.#surveys.delete(jobId);
	}

	async stopListening(jobId: string): Promise<void> {
		this.#jobs.get(jobId)?.abort();
	}
}

function levelRules(rules: readonly TopicGroupRule[]): LevelRule[] {
	return rules.flatMap(({ filter, levels }) => (levels ? [{ filter, levels }] : []));
}

export type { SourceSettings };
