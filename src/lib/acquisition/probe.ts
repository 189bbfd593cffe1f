/**
 * Data Acquisition: one short attempt to reach a broker, for the connect form.
 *
 * In: settings as typed. Out: whether data would come, and if not what to mend: with a filter that brings nothing, the topics
 * there are; with messages that say nothing to us, one of them. Stores nothing, leaves nothing at the broker.
 */
import type { BrokerProbe, BrokerSettings, IntakeExample, LinkStatus } from '../contracts';
import { Decoder } from './decode/decoder';
import { describePayload } from './intake-tally';
import { MqttSession, addressOf } from './mqtt-session';
import type { World } from './ports';

const LISTEN_MS = 2_000;
const GIVE_UP_MS = 12_000;
const MAX_TOPICS = 20;

interface Attempt {
	readonly status: LinkStatus;
	readonly connected: boolean;
	readonly topics: readonly string[];
	/** Messages that carry values, or describe machines. */
	readonly understood: number;
	readonly refused?: IntakeExample;
}

export async function probeBroker(settings: BrokerSettings, world: World): Promise<BrokerProbe> {
	const { status, connected, topics, understood, refused } = await attempt(settings, world);
	const plain = { ...status, retryAt: undefined };
	if (!connected) return { ok: false, status: plain, topicsSeen: topics };
	if (topics.length === 0) {
		// A quiet plant is no reason to refuse the settings; but if others publish, the filter is worth a second look.
		const all = settings.topicFilter === '#' ? undefined : await attempt({ ...settings, topicFilter: '#' }, world);
		const detail = `Connected and subscribed to ${settings.topicFilter}, but nothing came within ${LISTEN_MS / 1000} s`;
		return { ok: true, status: { ...plain, trouble: 'no-messages', detail }, topicsSeen: all?.topics ?? [] };
	}
	if (understood === 0 && refused)
		return {
			ok: false,
			status: { ...plain, trouble: 'not-understood', detail: refused.message },
			topicsSeen: topics,
			example: refused
		};
	return { ok: true, status: plain, topicsSeen: topics };
}

async function attempt(settings: BrokerSettings, world: World): Promise<Attempt> {
	const topics = new Set<string>();
	let status: LinkStatus = { state: 'connecting', source: 'broker', address: addressOf(settings.url), owner: true };
	let understood = 0;
	let refused: IntakeExample | undefined;
	const decoder = new Decoder(settings.topicLevels && [{ filter: '#', levels: settings.topicLevels }]);
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
		onMessage: ({ topic, payload, retain }, safe) => {
			safe?.();
			const at = world.now();
			status = { ...status, lastMessageAt: at };
			if (topics.size < MAX_TOPICS) topics.add(topic);
			let meaning = 0;
			decoder.decode(
				{ topic, payload, retain, receivedAt: at },
				{
					value: () => meaning++,
					waveform: () => meaning++,
					describe: () => meaning++,
					understood: () => meaning++,
					presence: () => meaning++,
					reject: (_reason, message) => (refused ??= { topic, payload: describePayload(payload), at, message }),
					ask: () => {},
					hold: () => false,
					release: () => {}
				}
			);
			if (meaning > 0) understood++;
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
	return { status, connected, topics: [...topics], understood, refused };
}
