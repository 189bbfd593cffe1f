/**
 * `npm run bench:fleet`: a very large plant in one tab: 120,000 machines with 3 sensors that each report once a minute.
 *
 * As bench:ingest, at 2,000 messages a second; machines become known as they report for the first time. Messages are counted in the
 * database by the number each carries. Options: --machines 120000, --minutes 10, --every 60 (seconds between a machine's messages),
 * --profile as bench:ingest, --quick (1,000 machines, each once in 5 s, 12 s).
 */
import { loadavg } from 'node:os';
import { serveApp } from '../tools/app';
import { parseBenchArguments, report } from './harness';
import { contextOf, measureLoad } from './load/measure-load';

const options = parseBenchArguments();
const machines = options.number('machines', options.quick ? 1_000 : 120_000);
const seconds = options.number('minutes', options.quick ? 0.2 : 10) * 60;
const every = options.number('every', options.quick ? 5 : 60);

const app = await serveApp();
const measured = await measureLoad(
	app,
	{
		qos: 1,
		machines,
		topicPrefix: 'fleet/hall/line',
		seconds,
		messagesPerSecond: machines / every,
		sensors: 3,
		rows: 1
	},
	{
		// The first round makes every machine known; growth counts after it.
		steadyFromS: every * 1.2,
		sampleEveryMs: Math.max(options.quick ? 2_000 : 5_000, Math.min(30_000, seconds * 50)),
		quietMs: options.quick ? 1_000 : 10_000,
		profile: options.values['profile']?.split(',')
	}
);
await app.close();
report(
	'fleet',
	{
		machines,
		published: measured.published,
		stored: measured.stored,
		heap_mb_end: measured.heapEnd.totalMb
	},
	{ machines: 120_000 },
	{ seconds, every_s: every, ...contextOf(measured), load: loadavg() }
);
process.exit(0);
