/**
 * `npm run chaos`: nothing that the broker took is lost or stored twice, whatever happens in between.
 *
 * QoS 1 messages, each with a number of its own as a value, go through a real Mosquitto and a relay into the built app in Chromium
 * with its profile on disk, while faults strike at random (`--seed`). At the end the numbers in the database are counted.
 * Options: --minutes 10, --seed 1, --rate 500, --machines, --only fault,fault; --quick is 40 seconds.
 *
 * A broker killed outright forgets what it had acknowledged but not yet written down; the publisher therefore sends the last fifteen
 * seconds again after such a kill (and only then), which must not be stored twice either. Mosquitto writes down everything each second:
 * doing so at every change it would come to a stand as soon as thousands of messages wait. Its limit of 1,000 queued messages is
 * lifted, so that it keeps what comes while no tab is there.
 */
import type { BrowserContext, CDPSession, Page, Worker } from 'playwright-core';
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { startMosquitto } from '../tools/mosquitto';
import { PacketPublisher } from '../tools/packet-publisher';
import { startTcpProxy } from '../tools/tcp-proxy';
import { parseBenchArguments, progress, report, withChromium } from './harness';

const options = parseBenchArguments();
const minutes = options.number('minutes', options.quick ? 40 / 60 : 10);
const seed = options.number('seed', 1);
const rate = options.number('rate', 500);
/** At most so many rows a machine, that none of its segments is closed: with a tiny quota only closed ones are let go, on purpose. */
const rowsPerMachine = 5_500;
const machines = options.number('machines', Math.max(50, Math.ceil((rate * minutes * 60) / rowsPerMachine)));
const tickMs = 20;
const keepMs = 15_000;
/** Steps of a clock stay below what acquisition takes as a clock that is wrong (ten minutes). */
const publisherStepsMs = [-120_000, 0, 120_000];
const tabletStepsMs = [-300_000, 0, 300_000];

let state = seed >>> 0 || 1;
/** Mulberry32: uniform in [0, 1). */
function random(): number {
	state = (state + 0x6d2b79f5) | 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}
const between = (low: number, high: number) => Math.round(low + random() * (high - low));
const oneOf = <T>(choices: readonly T[]) => choices[Math.floor(random() * choices.length)]!;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const mosquitto = await startMosquitto({
	quiet: true,
	config: ['max_queued_messages 0', 'autosave_on_changes false', 'autosave_interval 1']
});
const proxy = await startTcpProxy(mosquitto.wsPort);
const app = await serveApp();
const publisher = new PacketPublisher({
	port: mosquitto.tcpPort,
	clientId: 'chaos-source',
	qos: 1,
	window: 500,
	keepMs
});
await publisher.connect();

const epoch = Date.now();
const usedTimes = Array.from({ length: machines }, () => new Set<number>());
let total = 0;
let clockStepMs = 0;

function publishOne(): void {
	const id = total++;
	const machine = id % machines;
	// A source never states the same time twice, also not after its clock was set back.
	let ts = Date.now() + clockStepMs;
	while (usedTimes[machine]!.has(ts)) ts++;
	usedTimes[machine]!.add(ts);
	publisher.publish(`chaos/hall/line/m-${machine}`, `{"ts":${ts},"number":${id},"stamp":${ts - epoch}}`);
}

/** Publishes at the rate until `stopped`; what could not be sent in time follows at once. */
async function publishUntil(stopped: () => boolean): Promise<void> {
	const start = Date.now();
	let due = 0;
	while (!stopped()) {
		const target = Math.floor(((Date.now() - start) / 1000) * rate);
		for (; due < target; due++) publishOne();
		publisher.flush();
		await wait(tickMs);
	}
}

interface Scene {
	readonly context: BrowserContext;
	page: Page;
	/** A session that outlives the app's tab. */
	readonly aside: CDPSession;
}

async function openTab(scene: Scene): Promise<void> {
	scene.page = await scene.context.newPage();
	await scene.page.goto(app.url);
}

/** The app's acquisition worker; waits for one that is about to start. */
async function acquisitionOf(page: Page): Promise<Worker> {
	for (let attempt = 0; attempt < 50; attempt++) {
		const worker = page.workers().find((one) => one.url().includes('acquisition'));
		if (worker) return worker;
		await wait(100);
	}
	throw new Error('the tab has no acquisition worker');
}

let quotaUntil = 0;
/** When the faults began. */
let begun = 0;

/** Each resolves when the fault is over; what it broke must mend by itself. */
const faults: Record<string, (scene: Scene) => Promise<void>> = {
	async 'broker-killed'() {
		await mosquitto.kill();
		publisher.repeatLately();
		await wait(between(200, 4_000));
		await mosquitto.start();
	},
	async 'broker-restarted'() {
		await mosquitto.terminate();
		await wait(between(100, 2_000));
		await mosquitto.start();
	},
	async 'tab-killed'(scene) {
		const session = await scene.context.newCDPSession(scene.page);
		const crashed = new Promise<void>((resolve) => scene.page.once('crash', () => resolve()));
		session.send('Page.crash').catch(() => undefined);
		await crashed;
		await scene.page.close();
		await wait(between(0, 3_000));
		await openTab(scene);
	},
	async 'tab-replaced'(scene) {
		const old = scene.page;
		await openTab(scene);
		await wait(between(0, 1_500));
		await old.close();
	},
	async 'worker-ended'(scene) {
		// Without an event to anyone, as when the browser takes it.
		await (await acquisitionOf(scene.page)).evaluate(() => self.close());
	},
	async 'worker-crashed'(scene) {
		await (
			await acquisitionOf(scene.page)
		).evaluate(() => {
			setTimeout(() => {
				throw new Error('chaos');
			});
		});
	},
	async 'page-reloaded'(scene) {
		await scene.page.reload();
	},
	async 'network-cut'() {
		proxy.cut();
		await wait(between(300, 5_000));
		proxy.restore();
	},
	async 'network-silent'() {
		proxy.stall();
		await wait(between(1_000, 6_000));
		if (random() < 0.5) proxy.cut();
		proxy.restore();
	},
	async offline(scene) {
		await scene.context.setOffline(true);
		await wait(between(500, 4_000));
		await scene.context.setOffline(false);
	},
	async 'source-clock-stepped'() {
		clockStepMs = oneOf(publisherStepsMs.filter((step) => step !== clockStepMs));
	},
	async 'tablet-clock-stepped'(scene) {
		await (
			await acquisitionOf(scene.page)
		).evaluate((stepMs) => {
			const scope = globalThis as unknown as { trueNow?: () => number };
			const trueNow = (scope.trueNow ??= Date.now.bind(Date));
			Date.now = () => trueNow() + stepMs;
		}, oneOf(tabletStepsMs));
	},
	async 'quota-tiny'(scene) {
		// Chromium remembers for half a minute how much room there was: the quota stays tiny while other faults strike.
		const { origin } = new URL(app.url);
		const lasting = between(34_000, 42_000);
		quotaUntil = Date.now() + lasting;
		await scene.aside.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000 });
		setTimeout(() => {
			scene.aside.send('Storage.overrideQuotaForOrigin', { origin }).catch(() => undefined);
		}, lasting);
	}
};
const only = options.values['only']?.split(',');
/** A tiny quota takes half a minute to be felt: not in runs as short as that. */
const names = Object.keys(faults).filter((name) =>
	only ? only.includes(name) : name !== 'quota-tiny' || minutes >= 2
);
if (names.length === 0) throw new Error(`--only names no fault; there are ${Object.keys(faults).join(', ')}`);

/** Every fault once in random order, then again. */
let bag: string[] = [];
function nextFault(): string {
	if (bag.length === 0) bag = [...names];
	return bag.splice(Math.floor(random() * bag.length), 1)[0]!;
}

const struck: Record<string, number> = {};
/** Each fault with its time, to be laid beside the gaps. */
const strikes: { name: string; from: number; to: number }[] = [];
const refused: string[] = [];

const result = await withChromium(async (context) => {
	const aside = await context.newCDPSession(await context.newPage());
	const inspector = await openInspector(context, app);
	const scene: Scene = { context, page: await context.newPage(), aside };
	await connectToBroker(scene.page, app, { url: `ws://127.0.0.1:${proxy.port}`, filter: 'chaos/#' });
	// The subscription stands once a first message is stored; from then on the broker keeps everything for this client.
	await inspector.call('listen', 'plant');
	while ((await inspector.call('heard')).commits === 0) {
		publisher.publish('chaos/hall/line/first', '{"hello":1}');
		publisher.flush();
		await wait(250);
	}
	await publisher.drain();
	publisher.delivered = 0;
	await inspector.call('listenAnew');

	progress(`${minutes.toFixed(2)} minutes at ${rate} messages a second, ${machines} machines, seed ${seed}`);
	begun = Date.now();
	const end = begun + minutes * 60_000;
	const publishing = publishUntil(() => Date.now() >= end);
	const [shortestPause, longestPause] = options.quick || minutes <= 2 ? [500, 2_500] : [2_000, 8_000];
	for (;;) {
		await wait(Math.min(between(shortestPause, longestPause), Math.max(0, end - Date.now())));
		// The last seconds are quiet only where there is no time left for a fault to strike.
		if (Date.now() >= end - 1_000) break;
		const name = nextFault();
		if (name === 'quota-tiny' && quotaUntil > Date.now()) continue;
		const started = Date.now();
		try {
			await faults[name]!(scene);
			struck[name] = (struck[name] ?? 0) + 1;
			strikes.push({ name, from: started, to: name === 'quota-tiny' ? quotaUntil : Date.now() });
		} catch (error) {
			refused.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
		}
		const { outstanding } = publisher;
		progress(
			`${((Date.now() - begun) / 1000).toFixed(0)} s: ${name} (${Date.now() - started} ms), ${publisher.delivered} taken by the broker, ${outstanding} waiting`
		);
	}
	await publishing;
	await publisher.drain();
	publisher.close();
	await wait(Math.max(0, quotaUntil - Date.now()));

	const count = () => inspector.call('countIds', 'plant', { idSensor: 'number', stampSensor: 'stamp', epoch, total });
	let counted = await count();
	// Stored is what is stored within two minutes of the last change.
	for (let changedAt = Date.now(); counted.distinct < total && Date.now() - changedAt < 120_000;) {
		await wait(1_000);
		const now = await count();
		if (now.distinct !== counted.distinct) changedAt = Date.now();
		counted = now;
	}
	return { counted, heard: await inspector.call('heard'), statistics: await inspector.call('statistics', 'plant') };
});

await app.close();
await proxy.close();
await mosquitto.stop();
const { counted, heard, statistics } = result;
const second = (at: number) => Math.round((at - begun) / 100) / 10;
for (const { at, said } of heard.links) progress(`${second(at)} s: link ${said}`);
/** The longest times without a commit, and what struck from a few seconds before each until its end. */
const gaps = [...heard.gaps]
	.sort((a, b) => b.ms - a.ms)
	.slice(0, 8)
	.map(({ from, ms }) => ({
		from_s: second(from),
		lasted_s: ms / 1000,
		faults: strikes
			.filter((one) => one.from < from + ms && one.to > from - 5_000)
			.map((one) => `${one.name} ${second(one.from)}-${second(one.to)}`)
	}));
report(
	'chaos',
	{
		published: total,
		stored: counted.distinct,
		lost: total - counted.distinct,
		duplicated: counted.rows - counted.distinct,
		longest_gap_s: heard.longestGapMs / 1000
	},
	{},
	{
		minutes,
		seed,
		rate,
		machines,
		broker: 'mosquitto',
		faults: struck,
		faults_refused: refused,
		repeated_after_broker_kill: publisher.repeated,
		wrong_times: counted.wrongTimes,
		missing: counted.missing,
		longest_gaps: gaps,
		redelivered_readings: heard.duplicates,
		reasons: heard.reasons,
		troubles: heard.troubles,
		unreadable_segments: statistics.unreadable
	}
);
process.exit(counted.distinct === total && counted.rows === counted.distinct ? 0 : 1);
