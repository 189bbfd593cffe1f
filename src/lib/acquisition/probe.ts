/**
 * Data Acquisition: one short attempt to reach a broker, for the connect form.
 *
 * In: settings as typed. Out: whether data would come, and if not what to mend. Stores nothing, leaves nothing at the broker.
 */
import type { BrokerProbe, BrokerSettings, LinkStatus } from '../contracts';
import { MqttSession, addressOf } from './mqtt-session';
import type { World } from './ports';

const LISTEN_MS = 2_000;
const GIVE_UP_MS = 12_000;
const MAX_TOPICS = 20;

export async function probeBroker(settings: BrokerSettings, world: World): Promise<BrokerProbe> {
	const topics = new Set<string>();
	let status: LinkStatus = { state: 'connecting', source: 'broker', address: addressOf(settings.url), owner: true };
	let finish = () => {};
	const finished = new Promise<void>((resolve) => (finish = resolve));
	let listening: ReturnType<typeof setTimeout> | undefined;
	const random = crypto.getRandomValues(new Uint32Array(2));
	const session = new MqttSession({
		settings,
		clientId: `mwprobe${random[0]!.toString(16)}${random[1]!.toString(16)}`.slice(0, 23),
		persistent: false,
		world,
		report: (change) => {
			status = { ...status, ...change };
			if (status.state === 'failed' || status.state === 'reconnecting' || status.trouble) finish();
		},
		onMessage: ({ topic }, safe) => {
			safe?.();
			status = { ...status, lastMessageAt: world.now() };
			if (topics.size < MAX_TOPICS) topics.add(topic);
		},
		onSubscribed: () => (listening = setTimeout(finish, LISTEN_MS))
	});
	const run = session.run();
	const limit = setTimeout(finish, GIVE_UP_MS);
	await finished;
	clearTimeout(limit);
	clearTimeout(listening);
	await session.stop();
	await run;
	const connected = status.state === 'connected' && status.trouble === undefined;
	if (connected && topics.size === 0)
		status = {
			...status,
			trouble: 'no-messages',
			detail: `Connected and subscribed to ${settings.topicFilter}, but nothing came within ${LISTEN_MS / 1000} s`
		};
	// A quiet plant is no reason to refuse the settings.
	return { ok: connected, status: { ...status, retryAt: undefined }, topicsSeen: [...topics] };
}
