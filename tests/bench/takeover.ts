/**
 * `npm run bench:takeover`: how long nothing is stored when the tab that owns the broker's session goes, until another tab stores.
 *
 * Two tabs of the built app, a real Mosquitto, 100 messages a second at QoS 1. In turn the owner is closed, or its renderer is crashed;
 * the time is from that moment to the news of the next commit, heard in a third tab, and a new second tab is opened for the next
 * round. Messages are counted by the number each carries. Options: --rounds 10, --quick (1 of each).
 */
import { loadavg } from 'node:os';
import type { Page } from 'playwright-core';
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { startMosquitto } from '../tools/mosquitto';
import { PacketPublisher } from '../tools/packet-publisher';
import { parseBenchArguments, progress, report, withChromium } from './harness';

const options = parseBenchArguments();
const rounds = options.number('rounds', options.quick ? 1 : 10);
const perSecond = 100;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const app = await serveApp();
const mosquitto = await startMosquitto({
	quiet: true,
	config: ['max_queued_messages 0', 'max_inflight_messages 1000']
});
const publisher = new PacketPublisher({ port: mosquitto.tcpPort, clientId: 'takeover-source', qos: 1 });
await publisher.connect();

const found = await withChromium(async (context) => {
	const inspector = await openInspector(context, app);
	let owner = await context.newPage();
	await connectToBroker(owner, app, { url: mosquitto.wsUrl, filter: 'takeover/#' });
	await inspector.call('listen', 'plant');
	/** -1 until the subscription stands: from then on the broker keeps everything for this client. */
	let number = -1;
	let warmUp = 0;
	const publishing = setInterval(() => {
		publisher.publish('takeover/hall/pump', `{"ts":${Date.now()},"number":${number < 0 ? number : number++}}`);
		if (number < 0) warmUp++;
		publisher.flush();
	}, 1000 / perSecond);
	const commits = async () => (await inspector.call('heard')).commits;
	const openTab = async (): Promise<Page> => {
		const page = await context.newPage();
		await page.goto(app.url);
		await page.getByText('pump').first().waitFor({ timeout: 60_000 });
		return page;
	};
	const nextCommit = async (after: number) => {
		while ((await commits()) <= after) await wait(10);
	};
	await nextCommit(0);
	number = 0;
	let follower = await openTab();
	const leave: Record<'closed' | 'crashed', (page: Page) => Promise<void>> = {
		closed: (page) => page.close(),
		async crashed(page) {
			const session = await context.newCDPSession(page);
			const gone = new Promise<void>((resolve) => page.once('crash', () => resolve()));
			session.send('Page.crash').catch(() => undefined);
			await gone;
		}
	};
	const times: Record<'closed' | 'crashed', number[]> = { closed: [], crashed: [] };
	for (let round = 0; round < rounds; round++)
		for (const how of ['closed', 'crashed'] as const) {
			// What the owner still had under way does not count as the next one's.
			await inspector.call('listenAnew');
			await nextCommit(0);
			const left = Date.now();
			await leave[how](owner);
			const at = Date.now();
			await inspector.call('listenAnew');
			await nextCommit(0);
			times[how].push(Date.now() - left);
			progress(`${how}: ${times[how].at(-1)} ms (gone after ${at - left} ms)`);
			if (how === 'crashed') await owner.close();
			owner = follower;
			follower = await openTab();
		}
	clearInterval(publishing);
	await publisher.drain();
	// What the broker kept meanwhile has come once nothing new is stored for a while.
	while (Date.now() - (await inspector.call('heard')).lastAt < (options.quick ? 1_500 : 3_000)) await wait(250);
	const total = publisher.delivered - warmUp;
	const counted = await inspector.call('countIds', 'plant', { idSensor: 'number', epoch: 0, total });
	return { times, total, counted };
});
publisher.close();
await mosquitto.stop();
await app.close();
const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const { closed, crashed } = found.times;
report(
	'takeover',
	{
		closed_ms: middle(closed),
		closed_worst_ms: Math.max(...closed),
		crashed_ms: middle(crashed),
		crashed_worst_ms: Math.max(...crashed),
		published: found.total,
		lost: found.total - found.counted.distinct,
		duplicated: found.counted.rows - found.counted.distinct
	},
	{ closed_worst_ms: 2_000, crashed_worst_ms: 2_000, lost: 0, duplicated: 0 },
	{ rounds, closed, crashed, load: loadavg() }
);
process.exit(0);
