/**
 * Data Acquisition as a whole, for one tab: waits for its turn to own the source, runs the transport that settings ask for, and
 * tells every tab what it does. The worker exposes it; everything of the browser comes in through `World`.
 */
import {
	liveChannelName,
	lockName,
	toPlainError,
	type BrokerProbe,
	type BrokerSettings,
	type LinkStatus,
	type LiveMessage,
	type SourceSettings,
	type WorkspaceName
} from '../contracts';
import { probeBroker } from './probe';
import type { AcquisitionStore, LiveChannel, World } from './ports';
import { SourceOwner } from './source-owner';

export { liveChannelName };

interface Session {
	readonly workspace: WorkspaceName;
	readonly store: AcquisitionStore;
	readonly channel: LiveChannel;
	readonly leave: AbortController;
	readonly ended: Promise<void>;
	owner?: SourceOwner;
	/** What the owner in another tab said last. */
	readonly heard: { link?: LinkStatus; intake?: Extract<LiveMessage, { kind: 'intake' }> };
}

export class Acquisition {
	#session: Session | undefined;

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
		const { link, intake } = session.heard;
		if (link) session.channel.post({ kind: 'link', status: { ...link, owner: false } });
		if (intake) session.channel.post(intake);
	}

	probeBroker(settings: BrokerSettings): Promise<BrokerProbe> {
		return probeBroker(settings, this.world);
	}
}

export type { SourceSettings };
