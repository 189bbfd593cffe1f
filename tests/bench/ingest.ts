/**
 * `npm run bench:ingest`: how many messages a second the app takes, through a real Mosquitto, and keeps taking.
 *
 * QoS 1; a process of its own publishes; the built app, on the plant screen, decodes, stores and shows. Messages are counted in the
 * database by the number each carries. `p95_stored_ms` is from the time a message states to the news that it is stored, seen from another
 * tab. A rate is what was stored divided by the time from the first message to the last commit, so falling behind lowers it.
 * The second run packs 20 readings into a message (4 rows of 5). `processor_us_per_message` says who used the processors, broker and
 * publisher included.
 * Options: --seconds 300, --rate 10000, --batched-rate 15800, --batched-seconds 60, --machines 100, --qos 1, --quick;
 * --only single|batched (--quick sends half as many a second, for 4 s and 2 s); --profile acquisition,page writes processor profiles of those scripts.
 */
import { loadavg } from 'node:os';
import { serveApp } from '../tools/app';
import { parseBenchArguments, progress, report } from './harness';
import { contextOf, measureLoad } from './load/measure-load';

const options = parseBenchArguments();
const seconds = options.number('seconds', options.quick ? 4 : 300);
const batchedSeconds = options.number('batched-seconds', options.quick ? 2 : 60);
const machines = options.number('machines', 100);
const qos = options.number('qos', 1) === 0 ? 0 : 1;
const only = options.values['only'];

const app = await serveApp();
const measure = (load: { seconds: number; messagesPerSecond: number; sensors: number; rows: number }) =>
	measureLoad(
		app,
		{ qos, machines, topicPrefix: 'load/hall/line', ...load },
		{
			steadyFromS: options.quick ? 0 : load.seconds / 3,
			sampleEveryMs: options.quick ? 800 : 10_000,
			quietMs: options.quick ? 1_000 : 3_000,
			profile: options.values['profile']?.split(',')
		}
	);

progress('single rows of 7 sensors');
const single =
	only === 'batched'
		? undefined
		: await measure({
				seconds,
				messagesPerSecond: options.number('rate', options.quick ? 5_000 : 10_000),
				sensors: 7,
				rows: 1
			});
progress('20 readings a message');
const batched =
	only === 'single'
		? undefined
		: await measure({
				seconds: batchedSeconds,
				messagesPerSecond: options.number('batched-rate', options.quick ? 7_500 : 15_800),
				sensors: 5,
				rows: 4
			});
await app.close();

report(
	'ingest',
	{
		published: single?.published ?? null,
		stored: single?.stored ?? null,
		messages_per_s: single ? single.stored / single.lastedS : null,
		readings_per_s: single ? single.readings / single.lastedS : null,
		p95_stored_ms: single?.p95Ms ?? null,
		heap_slope_mb_per_min: single?.heapSlopeMb.slope ?? null,
		batched_readings_per_s: batched ? batched.readings / batched.lastedS : null
	},
	{ messages_per_s: 10_000, readings_per_s: 70_000, p95_stored_ms: 500, batched_readings_per_s: 300_000 },
	{
		machines,
		qos,
		seconds,
		batched_seconds: batchedSeconds,
		single: single && contextOf(single),
		batched: batched && contextOf(batched),
		load: loadavg()
	}
);
process.exit(0);
