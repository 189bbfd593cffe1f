/**
 * `npm run bench:main`: the main job under load, through a real broker into a real tab.
 *
 * A simulated plant publishes at 1 Hz to Mosquitto (the embedded broker where there is none); the built app, connected to
 * it in Chromium, decodes, stores, scores and shows. Rows: `published` and `stored` (messages; stored is counted in the
 * database, by source time), `lost`, and `p50_ms` / `p95_ms` from publishing a message to the first change of the plant
 * screen that shows a verdict at least as new as that message. Options: --machines 50, --seconds 60, --seed, --quick.
 */
import { createPlant } from '../../simulator/index';
import { startLocalBroker } from '../../simulator/cli/local-broker';
import { openLink } from '../../simulator/cli/mqtt-link';
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { findMosquitto, freePort, startMosquitto } from '../tools/mosquitto';
import { parseBenchArguments, progress, report, withChromium } from './harness';

const options = parseBenchArguments();
const machines = options.number('machines', options.quick ? 20 : 50);
const seconds = options.number('seconds', options.quick ? 5 : 60);
const seed = options.number('seed', 3);
const stepMs = 1000;
/** Published first, not counted in the latencies: models load and streams warm up on them. */
const warmUpSeconds = options.number('warm-up', options.quick ? 5 : 30);

const mosquitto = findMosquitto() ? await startMosquitto() : undefined;
const embedded = mosquitto ? undefined : await startLocalBroker({ wsPort: await freePort() });
const url = mosquitto?.wsUrl ?? `ws://127.0.0.1:${embedded!.wsPort}`;
const app = await serveApp();

const plant = createPlant({ machines, seed, scenario: 'healthy', startTime: Date.now(), stepMs });
const topicFilter = `${plant.machines[0]!.topic.split('/')[0]}/#`;
/** Machine -> source time of each message -> when it was published. */
const publishedAt = new Map<string, Map<number, number>>();
let published = 0;

/** Publishes so many seconds of the plant, one step a second, each message stamped with the moment it is sent. */
async function publish(link: Awaited<ReturnType<typeof openLink>>, steps: number): Promise<void> {
	const acknowledged: Promise<unknown>[] = [];
	const start = Date.now();
	for (let step = 0; step < steps; step++) {
		await new Promise((resolve) => setTimeout(resolve, start + step * 1000 - Date.now()));
		for (const { topic, payload } of plant.step()) {
			const now = Date.now();
			const times = publishedAt.get(topic) ?? new Map<number, number>();
			publishedAt.set(topic, times);
			times.set(now, now);
			published++;
			acknowledged.push(link.publish(topic, JSON.stringify({ ...payload, ts: now }), { qos: 1, retain: false }));
		}
	}
	await Promise.all(acknowledged);
}

interface Shown {
	readonly machine: string;
	readonly verdictAt: number;
	readonly at: number;
}

const quantile = (sorted: readonly number[], q: number) =>
	sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;

const result = await withChromium(async (context) => {
	const page = await context.newPage();
	await connectToBroker(page, app, { url, filter: topicFilter, mqtt311: embedded !== undefined });

	const link = await openLink(url, {});
	await Promise.all(
		plant.meta().map(({ topic, payload }) => link.publish(topic, JSON.stringify(payload), { qos: 1, retain: true }))
	);
	// The retained descriptions make the machines known: once their tiles are there, the subscription stands.
	await page
		.locator('[data-machine]')
		.nth(machines - 1)
		.waitFor();
	progress(`warming up: ${machines} machines, ${warmUpSeconds} s`);
	await publish(link, warmUpSeconds);
	await page.locator('[data-verdict-at]').first().waitFor({ timeout: 60_000 });
	await page.evaluate(() => {
		const shown: Shown[] = ((globalThis as unknown as { shown: Shown[] }).shown = []);
		new MutationObserver((changes) => {
			const at = Date.now();
			for (const { target } of changes) {
				const { machine, verdictAt } = (target as HTMLElement).dataset;
				shown.push({ machine: machine!, verdictAt: Number(verdictAt), at });
			}
		}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-verdict-at'] });
	});
	const measuredFrom = Date.now();
	progress(`measuring for ${seconds} s`);
	await publish(link, seconds);
	await link.close();

	const inspector = await openInspector(context, app);
	const perMachine = async () => {
		const counts = await inspector.call('counts', 'plant');
		const rows = new Map<string, number>();
		let readings = 0;
		for (const [sensorId, count] of Object.entries(counts)) {
			const machine = sensorId.slice(0, sensorId.lastIndexOf(':'));
			rows.set(machine, Math.max(rows.get(machine) ?? 0, count));
			readings += count;
		}
		return { messages: [...rows.values()].reduce((sum, count) => sum + count, 0), readings };
	};
	let stored = await perMachine();
	for (let attempt = 0; attempt < 60 && stored.messages < published; attempt++) {
		await new Promise((resolve) => setTimeout(resolve, 500));
		stored = await perMachine();
	}
	const shown = await page.evaluate(() => (globalThis as unknown as { shown: Shown[] }).shown);
	return { stored, shown, measuredFrom };
});

/** For each message, the first time the screen showed a verdict of that machine at least as new as it. */
const latencies: number[] = [];
let unseen = 0;
for (const [machine, times] of publishedAt) {
	const of = result.shown.filter((entry) => entry.machine === machine).sort((a, b) => a.at - b.at);
	for (const [time, sent] of times) {
		if (sent < result.measuredFrom) continue;
		// A verdict carries the time of its step on the machine's clock, which lies within half a step of the reading.
		const first = of.find(({ verdictAt }) => verdictAt >= time - stepMs / 2);
		if (first) latencies.push(first.at - sent);
		else unseen++;
	}
}
latencies.sort((a, b) => a - b);
await app.close();
await mosquitto?.stop();
await embedded?.close();
report(
	'main',
	{
		published,
		stored: result.stored.messages,
		lost: published - result.stored.messages,
		p50_ms: quantile(latencies, 0.5),
		p95_ms: quantile(latencies, 0.95)
	},
	{},
	{
		machines,
		seconds,
		broker: mosquitto ? 'mosquitto' : 'embedded',
		readings_stored: result.stored.readings,
		verdicts_seen: latencies.length,
		// Messages whose verdict no longer came to the screen before the page was closed, the last second's among them.
		verdicts_unseen: unseen
	}
);
process.exit(0);
