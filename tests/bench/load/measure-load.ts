/**
 * One load through a real Mosquitto into the built app, on the plant screen of a browser that nobody listens to: what bench:ingest and
 * bench:fleet have in common. Messages are counted in the database by the number each carries; time to stored is seen from another tab.
 */
import { writeFileSync } from 'node:fs';
import { connectToBroker, openInspector, type CallInspector } from '../../tools/app';
import { startMosquitto } from '../../tools/mosquitto';
import type { StaticServer } from '../../../simulator/cli/static-server';
import { progress } from '../harness';
import { withBareChromium } from './bare-chromium';
import { openMeter, type TabHeap } from './heap';
import { followProcessors } from './processor-time';
import type { Load } from './publish-load';
import { slopeOf, type Slope } from './slope';
import { startLoad, type LoadResult } from './start-load';

export interface MeasureOptions {
	/** Growth is counted from here on: code is compiled, caches are full. */
	readonly steadyFromS: number;
	readonly sampleEveryMs: number;
	/** Everything is stored once nothing waits and nothing new has been for so long. */
	readonly quietMs: number;
	/** Scripts (`acquisition`, `page`, ...) of which a `.cpuprofile` is written. */
	readonly profile?: readonly string[];
}

export interface LoadMeasured extends LoadResult {
	readonly stored: number;
	readonly duplicated: number;
	/** First numbers that are not in the database. */
	readonly missing: readonly number[];
	/** Readings in the database. */
	readonly readings: number;
	/** From the first message to the last commit. */
	readonly lastedS: number;
	readonly p50Ms: number;
	readonly p95Ms: number;
	readonly commits: number;
	readonly mostPending: number;
	/** Per minute. */
	readonly heapSlopeMb: Slope;
	readonly pendingSlope: Slope;
	readonly heapEnd: TabHeap;
	readonly reasons: Readonly<Record<string, number>>;
	/** Troubles of the link, each as often as it began. */
	readonly troubles: Readonly<Record<string, number>>;
	/** Processor time by message in the steady part, microseconds: by process and, in the tabs, by thread. */
	readonly processorUsPerMessage: Readonly<Record<string, number>>;
	/** Processors used by all of it in the steady part. */
	readonly coresUsed: number;
}

/** Messages that still wait when nothing has been stored for so long are lost to the measurement. */
const longestCommitMs = 120_000;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Throws when the tab crashes. */
export async function measureLoad(
	app: StaticServer,
	load: Omit<Load, 'port'>,
	options: MeasureOptions
): Promise<LoadMeasured> {
	// Mosquitto may have 16,384 messages under way instead of its usual 20, and queues without limit.
	const mosquitto = await startMosquitto({
		quiet: true,
		config: [
			'max_inflight_messages 16384',
			'max_queued_messages 0',
			'autosave_on_changes false',
			'set_tcp_nodelay true'
		]
	});
	try {
		return await withBareChromium(async (browser) => {
			const filter = `${load.topicPrefix.split('/')[0]}/#`;
			await browser.prepare(async (context) => {
				await connectToBroker(await context.newPage(), app, { url: mosquitto.wsUrl, filter });
				const inspector = await openInspector(context, app);
				await inspector.call('listen', 'plant');
			});
			const tab = await browser.tab((address) => address.startsWith(app.url) && !address.includes('/store-inspector/'));
			const inspectorTab = await browser.tab((address) => address.includes('/store-inspector/'));
			const inspect: CallInspector = (name, ...given) =>
				inspectorTab.call(`inspector.${name}`, ...given) as ReturnType<CallInspector> as never;
			const meter = await openMeter(tab.session);
			const running = await startLoad({ port: mosquitto.tcpPort, ...load });
			const scripts = options.profile ?? [];
			const profiles = await Promise.all(scripts.map((script) => meter.profile(script)));
			const follow = () => followProcessors({ broker: mosquitto.pid, benchmark: process.pid });
			const readingsPerMessage = load.sensors * load.rows;
			let steady = { processors: follow(), messages: 0, at: Date.now() };
			let isSteady = false;
			const start = Date.now();
			running.begin();

			const samples: { atMinutes: number; heap: TabHeap; pending: number }[] = [];
			const sample = async () => {
				const heap = await meter.measure();
				const { pending, readings, p95Ms, recentP95Ms } = await inspect('heard');
				samples.push({ atMinutes: (Date.now() - start) / 60_000, heap, pending });
				if (!isSteady && Date.now() - start >= options.steadyFromS * 1000) {
					isSteady = true;
					steady = { processors: follow(), messages: readings / readingsPerMessage, at: Date.now() };
				}
				progress(
					`${((Date.now() - start) / 1000).toFixed(0)} s: ${readings} readings stored, ${pending} messages waiting, p95 ${p95Ms} ms (since the last line ${recentP95Ms}), ${heap.totalMb.toFixed(0)} MB: ${partsOf(heap)}`
				);
			};
			let result: LoadResult | undefined;
			const published = running.done.then((value) => (result = value));
			const crashed = tab.crashed.then(() => Promise.reject(new Error('The tab crashed')));
			while (!result) {
				await Promise.race([wait(options.sampleEveryMs), published, crashed]);
				await Promise.race([sample(), crashed]);
			}
			for (const [index, stop] of profiles.entries())
				writeFileSync(`${scripts[index]}-${load.rows}.cpuprofile`, JSON.stringify(await stop()));
			const outcome: LoadResult = result;
			let heard = await inspect('heard');
			const isSettled = () => {
				const quietMs = Date.now() - heard.lastAt;
				return quietMs >= options.quietMs && (heard.pending === 0 || quietMs >= longestCommitMs);
			};
			while (!isSettled()) {
				await wait(250);
				heard = await inspect('heard');
			}
			const used = steady.processors();
			// The publisher says what it used from its beginning; it is gone by now.
			const publisherUs = (outcome.processorSeconds * 1e6) / outcome.published;
			const usedForS = (heard.lastAt - steady.at) / 1000;
			const usedFor = heard.readings / readingsPerMessage - steady.messages;
			const lastedS = (heard.lastAt - start) / 1000;
			await sample();
			const counted = await inspect('countIds', 'plant', { idSensor: 'number', epoch: 0, total: outcome.published });
			const { readings } = await inspect('statistics', 'plant');
			const lasting = samples.filter(({ atMinutes }) => atMinutes * 60 >= options.steadyFromS);
			const perMessage = [
				['publisher', publisherUs] as const,
				...Object.entries(used).map(([part, seconds]) => [part, (seconds * 1e6) / usedFor] as const)
			]
				.map(([part, us]) => [part, Number(us.toFixed(2))] as const)
				.filter(([, us]) => us >= 0.1)
				.sort(([, a], [, b]) => b - a);
			return {
				...outcome,
				stored: counted.distinct,
				duplicated: counted.rows - counted.distinct,
				missing: counted.missing,
				readings,
				lastedS,
				p50Ms: heard.p50Ms,
				p95Ms: heard.p95Ms,
				commits: heard.commits,
				mostPending: heard.mostPending,
				heapSlopeMb: slopeOf(lasting.map(({ atMinutes, heap }) => [atMinutes, heap.totalMb])),
				pendingSlope: slopeOf(lasting.map(({ atMinutes, pending }) => [atMinutes, pending])),
				heapEnd: samples.at(-1)!.heap,
				reasons: heard.reasons,
				troubles: heard.troubles,
				processorUsPerMessage: Object.fromEntries(perMessage),
				coresUsed: (perMessage.reduce((sum, [, us]) => sum + us, 0) * usedFor) / 1e6 / usedForS
			};
		});
	} finally {
		await mosquitto.stop();
	}
}

const partsOf = ({ partsMb }: TabHeap) =>
	Object.entries(partsMb)
		.map(([part, mb]) => `${part} ${mb.toFixed(0)}`)
		.join(', ');

/** The part of a measurement that every benchmark shows as context. */
export const contextOf = (measured: LoadMeasured) => ({
	published: measured.published,
	stored: measured.stored,
	duplicated: measured.duplicated,
	missing: measured.missing,
	publisher_behind_s: measured.behind,
	lasted_s: measured.lastedS,
	p50_stored_ms: measured.p50Ms,
	p95_stored_ms: measured.p95Ms,
	commits: measured.commits,
	most_messages_waiting: measured.mostPending,
	waiting_slope_per_min: measured.pendingSlope.slope,
	heap_slope_mb_per_min: measured.heapSlopeMb.slope,
	heap_slope_error_mb_per_min: measured.heapSlopeMb.error,
	heap_end_mb: measured.heapEnd.partsMb,
	reasons: measured.reasons,
	troubles: measured.troubles,
	cores_used: measured.coresUsed,
	processor_us_per_message: measured.processorUsPerMessage
});
