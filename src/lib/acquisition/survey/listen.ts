/**
 * Data Acquisition, survey: listens on a topic filter for half a minute.
 *
 * In: broker settings and a survey to fill. Out: the survey's proposal, progress meanwhile. A connection of its own that leaves nothing
 * at the broker; nothing is stored. Ends early when asked to, and when the settings cannot work.
 */
import {
	LISTEN_MS,
	type BrokerSettings,
	type LinkStatus,
	type ListeningProgress,
	type SourceSurvey
} from '../../contracts';
import { addressOf, MqttSession } from '../mqtt-session';
import type { World } from '../ports';
import type { Survey } from './survey';

const PROGRESS_EVERY_MS = 500;
/** Without a connection for this long there is nothing to wait for. */
const GIVE_UP_MS = 12_000;

export interface Listening {
	readonly survey: Survey;
	publish: (topic: string, payload: Uint8Array) => void;
}

export async function listen(
	listening: Listening,
	settings: BrokerSettings,
	world: World,
	signal: AbortSignal,
	onProgress: (progress: ListeningProgress) => void
): Promise<SourceSurvey> {
	const { survey } = listening;
	let status: LinkStatus = { state: 'connecting', source: 'broker', address: addressOf(settings.url), owner: true };
	let finish = () => {};
	const finished = new Promise<void>((resolve) => (finish = resolve));
	const before = survey.listenedMs;
	let startedAt: number | undefined;
	const elapsed = () => (startedAt === undefined ? 0 : Math.min(LISTEN_MS, world.now() - startedAt));
	let end: ReturnType<typeof setTimeout> | undefined;
	const random = crypto.getRandomValues(new Uint32Array(2));
	const session = new MqttSession({
		settings: { ...settings, sparkplugHostId: undefined },
		clientId: `mwlisten${random[0]!.toString(16)}${random[1]!.toString(16)}`.slice(0, 23),
		persistent: false,
		world,
		report: (change) => {
			status = { ...status, ...change };
			const cannotWork = status.state === 'failed' || status.trouble === 'subscription-refused';
			if (cannotWork) finish();
		},
		onMessage: ({ topic, payload, retain, refusedBytes }, safe) => {
			safe?.();
			status = { ...status, lastMessageAt: world.now() };
			if (refusedBytes === undefined) survey.take({ topic, payload, retain, receivedAt: world.now() });
		},
		onSubscribed: () => {
			if (startedAt !== undefined) return;
			startedAt = world.now();
			clearTimeout(limit);
			end = setTimeout(finish, LISTEN_MS);
		}
	});
	listening.publish = (topic, payload) => session.publish(topic, payload);
	const limit = setTimeout(finish, GIVE_UP_MS);
	const progress = setInterval(() => {
		survey.listenedMs = before + elapsed();
		onProgress({
			link: status,
			elapsedMs: elapsed(),
			messages: survey.messages,
			topics: survey.topics,
			machines: survey.machines,
			sensors: survey.sensors,
			dialects: survey.dialects()
		});
	}, PROGRESS_EVERY_MS);
	if (signal.aborted) finish();
	else signal.addEventListener('abort', finish, { once: true });
	const run = session.run();
	await finished;
	survey.listenedMs = before + elapsed();
	clearTimeout(limit);
	clearTimeout(end);
	clearInterval(progress);
	const link = { ...status, retryAt: undefined };
	await session.stop();
	await run;
	listening.publish = () => undefined;
	return survey.result(link);
}
