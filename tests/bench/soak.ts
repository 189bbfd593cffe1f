/**
 * `npm run soak`: does the app grow when it is left alone? A plant of 50 machines with 8 sensors each at 1 Hz comes through a real
 * Mosquitto (the embedded broker where there is none) into the built app with a machine's screen open. It has a past: what is bounded by
 * a span of time (charts, courses of health) is full from the start, rather than filling while it is measured.
 *
 * Every few seconds garbage is collected, and heap (page and workers), DOM nodes outside the document, tensors and the database are measured; after a
 * warm-up of a fifth, at least twenty seconds, a straight line is laid through each. A slope within two standard errors
 * (`context`) is noise. Heaps take hours to settle: short runs show that it works, not that nothing leaks.
 * Options: --minutes 60, --history-minutes 120, --machines 50, --sensors 8, --seed 1, --quick (without a past).
 */
import { loadavg } from 'node:os';
import { createPlant } from '../../simulator/index';
import { startLocalBroker } from '../../simulator/cli/local-broker';
import { openLink } from '../../simulator/cli/mqtt-link';
import { connectToBroker, openInspector, serveApp, watchPage } from '../tools/app';
import { findMosquitto, freePort, startMosquitto } from '../tools/mosquitto';
import { parseBenchArguments, progress, report, withChromium } from './harness';
import { openMeter, type TabHeap } from './load/heap';
import { slopeOf, type Slope } from './load/slope';

const options = parseBenchArguments();
const minutes = options.number('minutes', options.quick ? 0.7 : 60);
const machines = options.number('machines', 50);
const sensors = options.number('sensors', 8);
const historyMs = options.number('history-minutes', options.quick ? 0 : 120) * 60_000;
/** Messages of the past that wait for the broker at once. */
const historyWindow = 2_000;
const warmUpMs = Math.max(20_000, (minutes * 60_000) / 5);
const sampleMs = Math.max(2_000, Math.min(30_000, minutes * 500));

const mosquitto = findMosquitto()
	? await startMosquitto({ quiet: true, config: ['max_queued_messages 0'] })
	: undefined;
const embedded = mosquitto ? undefined : await startLocalBroker({ wsPort: await freePort() });
const url = mosquitto?.wsUrl ?? `ws://127.0.0.1:${embedded!.wsPort}`;
const app = await serveApp();
const plant = createPlant({
	machines,
	seed: options.number('seed', 1),
	scenario: 'healthy',
	startTime: Date.now() - historyMs,
	stepMs: 1000
});
const plantName = plant.machines[0]!.topic.split('/')[0]!;

interface Sample extends TabHeap {
	readonly atHours: number;
	readonly databaseMb: number;
	/** Those that are kept without being shown: what a screen shows more or less of is no leak. */
	readonly detachedNodes: number;
	readonly tensors: number;
}

/** A row of so many sensors: the simulated ones, and more that wander where the machine has fewer. */
function rowOf(payload: Record<string, unknown>, now: number): Record<string, unknown> {
	const measured = Object.entries(payload).filter(([name, value]) => name !== 'ts' && typeof value === 'number');
	const row: Record<string, unknown> = { ...payload, ts: now };
	for (const [name] of measured.slice(sensors)) delete row[name];
	for (let s = measured.length; s < sensors; s++)
		row[`extra-${s}`] = Number((20 + s + Math.sin(now / 60_000 + s)).toFixed(2));
	return row;
}

const result = await withChromium(async (context) => {
	const page = await context.newPage();
	const watched = watchPage(page, app);
	await connectToBroker(page, app, { url, filter: `${plantName}/#` });
	const link = await openLink(url, {});
	for (const { topic, payload } of plant.meta())
		void link.publish(topic, JSON.stringify(payload), { qos: 1, retain: true });
	await page.locator('[data-machine]').first().waitFor();
	const first = plant.machines[0]!.machineId;
	let published = 0;
	const unacknowledged = new Set<Promise<unknown>>();
	const publishStep = (now: number) => {
		for (const { topic, payload } of plant.step()) {
			published++;
			const done = link.publish(topic, JSON.stringify(rowOf(payload, now)), { qos: 1, retain: false });
			unacknowledged.add(done);
			void done.finally(() => unacknowledged.delete(done));
		}
	};
	for (let at = Date.now() - historyMs; historyMs > 0 && at < Date.now() - 1000; at += 1000) {
		publishStep(at);
		if (unacknowledged.size > historyWindow) await Promise.all(unacknowledged);
	}
	await Promise.all(unacknowledged);
	if (historyMs > 0) progress(`${published} messages of the past published`);
	const start = Date.now();
	let publishing = true;
	const publishes = (async () => {
		for (let step = 0; publishing; step++) {
			await new Promise((resolve) => setTimeout(resolve, start + step * 1000 - Date.now()));
			publishStep(Date.now());
		}
		await Promise.all(unacknowledged);
	})();
	await page.goto(`${app.url}machine/?id=${encodeURIComponent(first)}`);
	await page.getByRole('heading', { level: 1 }).waitFor();
	const inspector = await openInspector(context, app);
	await inspector.call('listen', 'plant');
	const meter = await openMeter(await context.newCDPSession(page));
	const samples: Sample[] = [];
	const end = start + minutes * 60_000;
	const firstAt = start + Math.min(warmUpMs, minutes * 30_000);
	while (Date.now() < end) {
		await new Promise((resolve) => setTimeout(resolve, sampleMs));
		const heap = await meter.measure();
		const { databaseMb, shownNodes } = await page.evaluate(async () => {
			let shown = 0;
			for (const nodes = document.createNodeIterator(document); nodes.nextNode();) shown++;
			const estimate = (await navigator.storage.estimate()) as {
				usageDetails?: { indexedDB?: number };
				usage?: number;
			};
			const bytes = estimate.usageDetails?.indexedDB ?? estimate.usage ?? NaN;
			return { databaseMb: bytes / 1e6, shownNodes: shown };
		});
		const { tensors } = await inspector.call('heard');
		const detachedNodes = heap.nodes - shownNodes;
		samples.push({ ...heap, atHours: (Date.now() - start) / 3_600_000, databaseMb, detachedNodes, tensors });
		const parts = Object.entries(heap.partsMb).map(([name, mb]) => `${name} ${mb.toFixed(1)}`);
		progress(
			`${((Date.now() - start) / 60_000).toFixed(1)} min: ${parts.join(', ')} MB; ${heap.nodes} nodes, ${detachedNodes} of them detached; ${tensors} tensors; database ${databaseMb.toFixed(1)} MB`
		);
	}
	publishing = false;
	await publishes;
	await link.close();
	const steady = samples.filter(({ atHours }) => start + atHours * 3_600_000 >= firstAt);
	let stored = await inspector.call('statistics', 'plant');
	for (let attempt = 0; attempt < 20 && stored.readings < published * sensors; attempt++) {
		await new Promise((resolve) => setTimeout(resolve, 500));
		stored = await inspector.call('statistics', 'plant');
	}
	return { samples, steady, published, readings: stored.readings, errors: watched.errors };
});

await app.close();
await mosquitto?.stop();
await embedded?.close();
const { steady, samples } = result;
const slope = (of: (sample: Sample) => number): Slope => slopeOf(steady.map((one) => [one.atHours, of(one)]));
const heap = slope(({ totalMb }) => totalMb);
const nodes = slope(({ detachedNodes }) => detachedNodes);
const allNodes = slope(({ nodes }) => nodes);
const database = slope(({ databaseMb }) => databaseMb);
const tensors = slope(({ tensors }) => tensors);
const parts = Object.keys(steady.at(-1)?.partsMb ?? {});
report(
	'soak',
	{ heap_slope_mb_per_hour: heap.slope, dom_node_slope_per_hour: nodes.slope, tensor_slope_per_hour: tensors.slope },
	{},
	{
		minutes,
		history_minutes: historyMs / 60_000,
		machines,
		sensors,
		samples: steady.length,
		heap_slope_error: heap.error,
		dom_node_slope_error: nodes.error,
		all_nodes_slope: allNodes,
		heap_slope_by_part: Object.fromEntries(
			parts.map((part) => {
				const { slope: value, error } = slope(({ partsMb }) => partsMb[part] ?? NaN);
				return [part, { slope: value, error }];
			})
		),
		tensor_slope_error: tensors.error,
		tensors: samples.at(-1)?.tensors,
		database_mb_per_hour: database.slope,
		database_mb: samples.at(-1)?.databaseMb,
		heap_mb: samples.at(-1)?.partsMb,
		dom_nodes: samples.at(-1)?.nodes,
		detached_nodes: samples.at(-1)?.detachedNodes,
		messages_published: result.published,
		readings_stored: result.readings,
		page_errors: result.errors,
		load: loadavg()
	}
);
process.exit(0);
