/**
 * `npm run bench:fleet`: a very large plant in one tab: 120,000 machines with 3 sensors that each report once a minute.
 *
 * As bench:ingest, at 2,000 messages a second; machines become known as they report for the first time. Messages are counted in the
 * database by the number each carries. Options: --machines 120000, --minutes 10, --quick (3,000 machines, each once in 15 s, 30 s).
 */
import { loadavg } from 'node:os';
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { startMosquitto } from '../tools/mosquitto';
import { parseBenchArguments, progress, report, withChromium } from './harness';
import { openMeter } from './load/heap';
import { slopeOf } from './load/slope';
import { startLoad } from './load/start-load';

const options = parseBenchArguments();
const machines = options.number('machines', options.quick ? 3_000 : 120_000);
const seconds = options.number('minutes', options.quick ? 0.4 : 10) * 60;
/** Each machine reports once in so many seconds. */
const every = options.number('every', options.quick ? 12 : 60);
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const mosquitto = await startMosquitto({
	quiet: true,
	config: ['max_inflight_messages 4096', 'max_queued_messages 0', 'autosave_on_changes false', 'set_tcp_nodelay true']
});
const app = await serveApp();
const result = await withChromium(async (context) => {
	const page = await context.newPage();
	let crashed = false;
	page.on('crash', () => (crashed = true));
	await connectToBroker(page, app, { url: mosquitto.wsUrl, filter: 'fleet/#' });
	const inspector = await openInspector(context, app);
	await inspector.call('listen', 'plant');
	const meter = await openMeter(page);
	const running = await startLoad({
		port: mosquitto.tcpPort,
		qos: 1,
		machines,
		topicPrefix: 'fleet/hall/line',
		seconds,
		messagesPerSecond: machines / every,
		sensors: 3,
		rows: 1
	});
	const heaps: (readonly [number, number])[] = [];
	const start = Date.now();
	running.begin();
	let load: Awaited<typeof running.done> | undefined;
	void running.done.then((value) => (load = value));
	let partsMb: Readonly<Record<string, number>> = {};
	const sample = async () => {
		const heap = await Promise.race([meter.measure(), wait(20_000)]);
		const { pending, readings, p95Ms } = await inspector.call('heard');
		if (heap) {
			partsMb = heap.partsMb;
			heaps.push([(Date.now() - start) / 60_000, heap.totalMb]);
		}
		const mb = heap ? heap.totalMb.toFixed(0) : '?';
		progress(
			`${((Date.now() - start) / 1000).toFixed(0)} s: ${readings} readings stored, ${pending} waiting, p95 ${p95Ms} ms, ${mb} MB${crashed ? ', tab crashed' : ''}`
		);
	};
	while (!load && !crashed) {
		await wait(Math.max(2_000, seconds * 20));
		await sample();
	}
	if (!load) throw new Error('The tab crashed');
	let heard = await inspector.call('heard');
	while (Date.now() - heard.lastAt < (options.quick ? 3_000 : 10_000)) {
		await wait(500);
		heard = await inspector.call('heard');
	}
	await sample();
	const counted = await inspector.call('countIds', 'plant', { idSensor: 'number', epoch: 0, total: load.published });
	return { load, counted, heard, heaps, partsMb };
});
await app.close();
await mosquitto.stop();
const { load, counted, heard, heaps } = result;
// The first round makes every machine known; growth counts after it.
const steady = heaps.filter(([at]) => at > (every * 1.2) / 60);
const slope = slopeOf(steady);
report(
	'fleet',
	{ machines, published: load.published, stored: counted.distinct, heap_mb_end: heaps.at(-1)?.[1] ?? null },
	{ machines: 120_000 },
	{
		seconds,
		every_s: every,
		duplicated: counted.rows - counted.distinct,
		publisher_behind_s: load.behind,
		p50_stored_ms: heard.p50Ms,
		p95_stored_ms: heard.p95Ms,
		most_messages_waiting: heard.mostPending,
		heap_slope_mb_per_min: slope.slope,
		heap_slope_error_mb_per_min: slope.error,
		heap_end_mb: result.partsMb,
		reasons: heard.reasons,
		load: loadavg()
	}
);
process.exit(0);
