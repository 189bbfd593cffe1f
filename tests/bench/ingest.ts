/**
 * `npm run bench:ingest`: how many messages a second the app takes, through a real Mosquitto, and keeps taking.
 *
 * QoS 1; a process of its own publishes; the built app, on the plant screen, decodes, stores and shows. Messages are counted in the
 * database by the number each carries. `p95_stored_ms` is from the time a message states to the news that it is stored, seen from another
 * tab. A rate is what was stored divided by the time from the first message to the last commit, so falling behind lowers it.
 * The second run packs 20 readings into a message (4 rows of 5). Options: --seconds 300, --rate 10000, --batched-rate 15000,
 * --batched-seconds, --machines 100, --qos 1, --quick.
 *
 * Mosquitto may have 4,096 messages under way instead of its usual 20, and queues without limit.
 */
import { loadavg } from 'node:os';
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { startMosquitto } from '../tools/mosquitto';
import { parseBenchArguments, progress, report, withChromium } from './harness';
import { openMeter, type TabHeap } from './load/heap';
import { slopeOf } from './load/slope';
import { startLoad } from './load/start-load';

const options = parseBenchArguments();
const seconds = options.number('seconds', options.quick ? 8 : 300);
const batchedSeconds = options.number('batched-seconds', options.quick ? 6 : 60);
const machines = options.number('machines', 100);
const qos = options.number('qos', 1) === 0 ? 0 : 1;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const app = await serveApp();

async function measure(load: { seconds: number; messagesPerSecond: number; sensors: number; rows: number }) {
	const mosquitto = await startMosquitto({
		quiet: true,
		config: ['max_inflight_messages 4096', 'max_queued_messages 0', 'autosave_on_changes false', 'set_tcp_nodelay true']
	});
	try {
		return await withChromium(async (context) => {
			const page = await context.newPage();
			await connectToBroker(page, app, { url: mosquitto.wsUrl, filter: 'load/#' });
			const inspector = await openInspector(context, app);
			await inspector.call('listen', 'plant');
			const running = await startLoad({
				port: mosquitto.tcpPort,
				qos,
				machines,
				topicPrefix: 'load/hall/line',
				...load
			});
			const meter = await openMeter(page);
			const heaps: (TabHeap & { at: number; pending: number })[] = [];
			const start = Date.now();
			running.begin();
			let result: Awaited<typeof running.done> | undefined;
			void running.done.then((value) => (result = value));
			const every = Math.max(1_000, Math.min(5_000, load.seconds * 100));
			while (!result) {
				await wait(every);
				const heap = await meter.measure();
				const { pending, readings } = await inspector.call('heard');
				heaps.push({ ...heap, at: (Date.now() - start) / 60_000, pending });
				if (heaps.length % 10 === 1)
					progress(`${readings} readings stored, ${pending} messages waiting, ${heap.totalMb.toFixed(0)} MB`);
			}
			// Everything is stored once nothing new has been for three seconds.
			let heard = await inspector.call('heard');
			while (Date.now() - heard.lastAt < 3_000) {
				await wait(250);
				heard = await inspector.call('heard');
			}
			const counted = await inspector.call('countIds', 'plant', {
				idSensor: 'number',
				epoch: 0,
				total: result.published
			});
			const { readings } = await inspector.call('statistics', 'plant');
			// The first third is warm-up: code is compiled, caches fill.
			const steady = heaps.filter(({ at }) => at >= load.seconds / 180);
			return {
				published: result.published,
				behind: result.behind,
				stored: counted.distinct,
				duplicated: counted.rows - counted.distinct,
				missing: counted.missing,
				readings,
				lasted: (heard.lastAt - start) / 1000,
				p50: heard.p50Ms,
				p95: heard.p95Ms,
				mostPending: heard.mostPending,
				heapSlope: slopeOf(steady.map(({ at, totalMb }) => [at, totalMb])),
				pendingSlope: slopeOf(steady.map(({ at, pending }) => [at, pending])),
				heapEnd: heaps.at(-1),
				reasons: heard.reasons
			};
		});
	} finally {
		await mosquitto.stop();
	}
}

progress('single rows of 7 sensors');
const single = await measure({ seconds, messagesPerSecond: options.number('rate', 10_000), sensors: 7, rows: 1 });
progress('20 readings a message');
const batched = await measure({
	seconds: batchedSeconds,
	messagesPerSecond: options.number('batched-rate', 15_000),
	sensors: 5,
	rows: 4
});
await app.close();

const about = ({
	published,
	stored,
	duplicated,
	missing,
	behind,
	lasted,
	p50,
	p95,
	mostPending,
	...rest
}: typeof single) => ({
	published,
	stored,
	duplicated,
	missing,
	publisher_behind_s: behind,
	lasted_s: lasted,
	p50_stored_ms: p50,
	p95_stored_ms: p95,
	most_messages_waiting: mostPending,
	waiting_slope_per_min: rest.pendingSlope.slope,
	heap_slope_error_mb_per_min: rest.heapSlope.error,
	heap_end_mb: rest.heapEnd?.partsMb,
	reasons: rest.reasons
});
report(
	'ingest',
	{
		published: single.published,
		stored: single.stored,
		messages_per_s: single.stored / single.lasted,
		readings_per_s: single.readings / single.lasted,
		p95_stored_ms: single.p95,
		heap_slope_mb_per_min: single.heapSlope.slope,
		batched_readings_per_s: batched.readings / batched.lasted
	},
	{ messages_per_s: 10_000, readings_per_s: 70_000, p95_stored_ms: 500, batched_readings_per_s: 300_000 },
	{
		machines,
		qos,
		seconds,
		batched_seconds: batchedSeconds,
		single: about(single),
		batched: about(batched),
		load: loadavg()
	}
);
process.exit(0);
