/**
 * `npm run bench:engine`: the LSTM engine on the reference net in Chromium workers, against stock TensorFlow.js and
 * onnxruntime-web in the same run, one after the other in turns, so that a busy machine slows all alike.
 *
 * Rows against another engine are medians of per-turn ratios; shares of the peak compare the best turn of each. Time is the wall
 * clock's, except where other work takes more than a tenth of our core (Linux tells): then it is the worker thread's
 * processor time. `context.by_both_clocks` holds both and says which counted.
 * `--quick` takes fewer turns. `--gpu` measures the WebGPU rows alone, on the machine's own adapter: in Chromium where it
 * reaches one, else in Node.
 */
import type { BrowserContext, Page } from 'playwright-core';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import type { BenchCall, EngineName, JobInfo } from './engine/protocol';
import { enginesInNode } from './engine/gpu-in-node';
import { gpuFloors, measureGpu, type AskEngines, type GpuRows } from './engine/gpu-rows';
import { findThreadClock } from './engine/thread-clock';
import { serveFolder } from '../../simulator/cli/static-server';
import { isolationHeaders } from '../../src/lib/contracts/isolation-headers';
import { findChromium } from '../tools/find-chromium';
import {
	parseBenchArguments,
	progress,
	report,
	servePage,
	swiftshaderArguments,
	withChromium,
	type Rows
} from './harness';

const options = parseBenchArguments();
const quick = options.quick;
const gpu = options.flag('gpu');
const only = options.text('only', '');

const floors: Rows = {
	score_b1_vs_tfjs_wasm: 40,
	score_b32_vs_tfjs_wasm: 12,
	score_b256_vs_tfjs_wasm: 12,
	score_b32_vs_ort: 1.5,
	train_b32_vs_tfjs_wasm: 22,
	train_parallel_speedup: 1.8,
	score_b32_share_of_peak: 0.8,
	train_b32_share_of_peak: 0.75,
	stream_share_of_peak: 0.6,
	webgpu_train_b32_vs_tfjs_webgpu: 12
};

const rows: Rows = {
	score_b1_vs_tfjs_wasm: null,
	score_b32_vs_tfjs_wasm: null,
	score_b256_vs_tfjs_wasm: null,
	score_b32_vs_ort: null,
	train_b32_vs_tfjs_wasm: null,
	train_parallel_speedup: null,
	fma_peak_gflops: null,
	score_b32_share_of_peak: null,
	train_b32_share_of_peak: null,
	stream_share_of_peak: null,
	stream_steps_per_s: null,
	webgpu_train_b32_vs_tfjs_webgpu: null,
	webgpu_train_dispatches: null
};

const context: Record<string, unknown> = gpu ? {} : { quick, adapter: 'SwiftShader' };
const notes: string[] = [];
const engines: Record<string, unknown> = {};
const bothBest: Record<string, { wall: number; thread: number }> = {};
const bothRatios: Record<string, { wall: number; thread: number; counts: Clock; share_of_a_core: number }> = {};
const rates: Record<string, { windowsPerSecond: number; gflops: number }> = {};

const median = (values: readonly number[]) => {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Milliseconds by the wall clock, and by the worker thread's processor time (or again the wall clock). */
interface Timing {
	readonly wall: number;
	readonly thread: number;
}

type Clock = 'wall' | 'thread';

/** A thread that computes all the time has less than this share of a core only when others want it too. */
const busyBelow = 0.9;

/** One worker of the page, its engines and jobs. */
class Bench {
	readonly jobs = new Map<string, JobInfo>();
	private clock: (() => number) | undefined;

	constructor(
		private readonly page: Page,
		private readonly worker: string
	) {}

	call(request: BenchCall): Promise<unknown> {
		return this.page.evaluate(
			([worker, body]) =>
				(globalThis as unknown as { bench: { call(name: string, body: unknown): Promise<unknown> } }).bench.call(
					worker,
					body
				),
			[this.worker, request] as const
		);
	}

	async setUp(engine: EngineName): Promise<void> {
		const started = Date.now();
		const { context: found, jobs } = (await this.call({ kind: 'setup', engine, quick })) as {
			context: Record<string, unknown>;
			jobs: JobInfo[];
		};
		engines[engine] = found;
		for (const job of jobs) this.jobs.set(job.job, job);
		progress(`${engine}: ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
	}

	async compare(...pair: [EngineName, EngineName]): Promise<number> {
		return (await this.call({ kind: 'compare', engines: pair })) as number;
	}

	async dispatches(): Promise<number> {
		return (await this.call({ kind: 'dispatches' })) as number;
	}

	/** Milliseconds of one run, averaged over `times`. */
	async time(job: string, times = 1): Promise<Timing> {
		const start = this.clock?.();
		const wall = ((await this.call({ kind: 'time', job, times })) as number) / times;
		const thread = start === undefined ? wall : (this.clock!() - start) / times;
		return { wall, thread };
	}

	/** Looks for the worker's processor time. `job` must keep the worker busy. */
	async findClock(job: string): Promise<void> {
		this.clock = await findThreadClock(() => this.call({ kind: 'time', job, times: 200 }));
	}

	/** Runs a job until it has been compiled for good. Returns how many runs take `milliseconds`. */
	async warmUp(job: string, milliseconds = 60, longest = 1500, least = 2): Promise<number> {
		const start = Date.now();
		let last = Infinity;
		for (
			let runs = 0;
			runs < 1000 && (runs < least || Date.now() - start < longest / 3) && Date.now() - start < longest;
			runs++
		)
			last = Math.min(last, (await this.time(job)).thread);
		return Math.max(1, Math.round(milliseconds / Math.max(last, 0.1)));
	}

	note(job: string, timings: readonly Timing[], clock: Clock): void {
		const { windows, flops } = this.jobs.get(job)!;
		const typical = median(timings.map(({ wall, thread }) => (clock === 'wall' ? wall : thread))) / 1000;
		rates[job] = { windowsPerSecond: round(windows / typical), gflops: round(flops / typical / 1e9) };
	}

	/** How many times faster `ours` is than `other`: median over turns. */
	async ratio(ours: string, other: string, turns: number, leastWarmUps = quick ? 1 : 2): Promise<number> {
		const times = await this.warmUp(ours, 60, 1500, leastWarmUps);
		if (leastWarmUps > 0) await this.warmUp(other, 1, quick ? 400 : 1500, leastWarmUps);
		const byWall: number[] = [];
		const byThread: number[] = [];
		const [mine, theirs]: [Timing[], Timing[]] = [[], []];
		for (let turn = 0; turn < turns; turn++) {
			theirs.push(await this.time(other));
			mine.push(await this.time(ours, times));
			byWall.push(theirs[turn]!.wall / mine[turn]!.wall);
			byThread.push(theirs[turn]!.thread / mine[turn]!.thread);
		}
		const shareOfCore = median(mine.map(({ wall, thread }) => thread / wall));
		const clock: Clock = shareOfCore < busyBelow ? 'thread' : 'wall';
		this.note(ours, mine, clock);
		this.note(other, theirs, clock);
		const both = { wall: round(median(byWall)), thread: round(median(byThread)) };
		bothRatios[`${ours} : ${other}`] = { ...both, counts: clock, share_of_a_core: round(shareOfCore) };
		const result = both[clock];
		progress(`${ours} is ${result.toFixed(2)} times ${other} (${describe(ours)} against ${describe(other)})`);
		return result;
	}

	/** Best GFLOP/s of jobs taken in turns. */
	async best(jobs: readonly string[], turns: number): Promise<Map<string, number>> {
		const times = new Map<string, number>();
		for (const job of jobs) times.set(job, await this.warmUp(job, 15));
		const best = new Map<string, number>();
		const shares: Record<string, number[]> = {};
		for (let turn = 0; turn < turns; turn++)
			for (const job of jobs) {
				const { wall, thread } = await this.time(job, times.get(job));
				const gflops = (milliseconds: number) => this.jobs.get(job)!.flops / milliseconds / 1e6;
				const before = bothBest[job] ?? { wall: 0, thread: 0 };
				bothBest[job] = { wall: Math.max(before.wall, gflops(wall)), thread: Math.max(before.thread, gflops(thread)) };
				(shares[job] ??= []).push(thread / wall);
			}
		const clock: Clock = median(Object.values(shares).flat()) < busyBelow ? 'thread' : 'wall';
		context.shares_clock = clock;
		for (const job of jobs) best.set(job, bothBest[job]![clock]);
		return best;
	}
}

const round = (value: number) => Number(value.toPrecision(4));
const describe = (job: string) => `${rates[job]!.windowsPerSecond} windows/s, ${rates[job]!.gflops} GFLOP/s`;

async function measureWasm(page: Page): Promise<void> {
	const bench = new Bench(page, 'wasm');
	for (const engine of ['fused', 'tfjs-wasm', 'ort'] as const) await bench.setUp(engine);
	for (let turn = 0; turn < 3; turn++) await bench.warmUp('fused/peak');
	await bench.findClock('fused/peak');
	context.largest_difference = {
		fused_tfjs: await bench.compare('fused', 'tfjs-wasm'),
		fused_ort: await bench.compare('fused', 'ort')
	};
	const turns = quick ? 2 : 9;
	rows.score_b1_vs_tfjs_wasm = await bench.ratio('fused/score/1', 'tfjs-wasm/score/1', turns * 2);
	rows.score_b32_vs_tfjs_wasm = await bench.ratio('fused/score/32', 'tfjs-wasm/score/32', turns);
	// Every kernel has been compiled for good by now: with --quick seconds of stock TensorFlow.js' warm-up can be had without.
	const b256 = ['fused/score/256', 'tfjs-wasm/score/256'] as const;
	rows.score_b256_vs_tfjs_wasm = await (quick ? bench.ratio(...b256, 1, 0) : bench.ratio(...b256, 5));
	rows.score_b32_vs_ort = await bench.ratio('fused/score/32', 'ort/score/32', turns * 2);
	rates['ort/score/1'] ??= await bench.warmUp('ort/score/1').then(async (times) => {
		bench.note('ort/score/1', [await bench.time('ort/score/1', times)], 'wall');
		return rates['ort/score/1']!;
	});
	const train = ['fused/train/32', 'tfjs-wasm/train/32'] as const;
	rows.train_b32_vs_tfjs_wasm = await (quick ? bench.ratio(...train, 1, 0) : bench.ratio(...train, 7));
	await measureShares(bench);
}

async function measureShares(bench: Bench): Promise<void> {
	const best = await bench.best(['fused/peak', 'fused/score/32', 'fused/train/32', 'fused/stream'], quick ? 6 : 40);
	const peak = best.get('fused/peak')!;
	rows.fma_peak_gflops = peak;
	rows.score_b32_share_of_peak = best.get('fused/score/32')! / peak;
	rows.train_b32_share_of_peak = best.get('fused/train/32')! / peak;
	const stream = bench.jobs.get('fused/stream')!;
	rows.stream_share_of_peak = best.get('fused/stream')! / peak;
	rows.stream_steps_per_s = (best.get('fused/stream')! * 1e9 * stream.windows) / stream.flops;
	context.best_gflops = Object.fromEntries([...best].map(([job, gflops]) => [job, round(gflops)]));
	progress(`peak ${peak.toFixed(1)} GFLOP/s; ${JSON.stringify(context.best_gflops)}`);
}

/**
 * What two workers could gain at most on this machine: two trainings that know nothing of each other, both at once, their
 * rates added up, against one alone. Median over turns.
 */
async function measureParallelCeiling(page: Page, bench: Bench): Promise<number> {
	const other = new Bench(page, 'product-beside');
	await other.setUp('product');
	const job = 'product/fit/1';
	const both = () => Promise.all([bench.time(job), other.time(job)]);
	await both();
	const gains: number[] = [];
	for (let turn = 0; turn < 7; turn++) {
		const alone = (await bench.time(job)).wall;
		const [first, second] = await both();
		gains.push(alone / first.wall + alone / second.wall);
	}
	return round(median(gains));
}

/** From which size of network on a second worker pays (`parallel/worthwhile.ts`). */
async function measureSmallNetworks(bench: Bench): Promise<Record<string, { times: number; mflop_per_step: number }>> {
	const small: Record<string, { times: number; mflop_per_step: number }> = {};
	for (const [job, { flops, windows }] of bench.jobs) {
		if (!/lstm-.*fit\/2$/.test(job)) continue;
		const times = await bench.ratio(job, job.replace(/2$/, '1'), 5);
		const rows = job.includes('lstm-24/') ? 16 : job.includes('lstm-32/') ? 24 : 32;
		small[job.split('/')[1]!] = { times: round(times), mflop_per_step: round((flops / windows) * rows * 1e-6) };
	}
	return small;
}

async function measureParallel(page: Page): Promise<void> {
	const bench = new Bench(page, 'product');
	await bench.setUp('product');
	const fit = ['product/fit/2', 'product/fit/1'] as const;
	// Each takes a second or more; its kernels are compiled for good within one.
	rows.train_parallel_speedup = await (quick ? bench.ratio(...fit, 1, 0) : bench.ratio(...fit, 9));
	context.gradients_through_shared_memory = await page.evaluate(() => crossOriginIsolated);
	if (!quick) {
		const messages = 'product/fit/2-by-messages';
		context.two_workers_by_messages = round(await bench.ratio(messages, fit[1], 9));
		context.two_workers_memory_against_messages = round(await bench.ratio(fit[0], messages, 9));
		context.two_separate_trainings_at_once = await measureParallelCeiling(page, bench);
		context.two_workers_on_small_networks = await measureSmallNetworks(bench);
	}
	const times = await bench.warmUp('product/score/32');
	bench.note('product/score/32', [await bench.time('product/score/32', times)], 'wall');
}

async function measureWebGpu(page: Page): Promise<void> {
	const bench = new Bench(page, 'webgpu');
	try {
		// The engine's self-test takes SwiftShader a while, and counting does without.
		if (!quick) await bench.setUp('product-webgpu');
		rows.webgpu_train_dispatches = await bench.dispatches();
	} catch (error) {
		notes.push(`WebGPU rows are null: ${firstLine(error)}`);
		return;
	}
	context.at_most = { webgpu_train_dispatches: 40 };
	if (quick) {
		notes.push(
			'webgpu_train_b32_vs_tfjs_webgpu is not measured with --quick: a stock step takes half a minute on SwiftShader.'
		);
		return;
	}
	context.adapter = (engines['product-webgpu'] as { detail?: string }).detail ?? context.adapter;
	try {
		await bench.setUp('tfjs-webgpu');
	} catch (error) {
		notes.push(`webgpu_train_b32_vs_tfjs_webgpu is null: ${firstLine(error)}`);
		return;
	}
	const ours = 'product-webgpu/fit/1';
	const ratio = await bench.ratio(ours, 'tfjs-webgpu/train/32', 2, 1);
	// One of ours trains as many windows as its job says, one of stock's a single batch.
	rows.webgpu_train_b32_vs_tfjs_webgpu =
		(ratio * bench.jobs.get(ours)!.windows) / bench.jobs.get('tfjs-webgpu/train/32')!.windows;
}

const firstLine = (error: unknown) => String(error instanceof Error ? error.message : error).split('\n')[0]!;

async function runPart(name: string, part: () => Promise<void>): Promise<void> {
	if (only && !name.includes(only)) return;
	try {
		await part();
	} catch (error) {
		notes.push(`${name} failed: ${firstLine(error)}`);
		progress(`${name} failed: ${String(error)}`);
		process.exitCode = 1;
	}
}

const openPage = async (browser: BrowserContext, url: string) => {
	const page = await browser.newPage();
	page.on('console', (message) => message.type() === 'error' && progress(`page: ${message.text()}`));
	await page.goto(url);
	await page.waitForFunction(() => 'bench' in globalThis);
	context.chromium = browser.browser()?.version() ?? '';
	return page;
};

async function measureInChromium(): Promise<void> {
	const server = await servePage('tests/bench/engine', { plugins: [assemblyScript()] });
	// Only where workers share a batch: stock TensorFlow.js would start threads of its own on an isolated page.
	const isolating = await serveFolder(server.folder, { headers: isolationHeaders });
	try {
		await withChromium(
			async (browser) => {
				const page = await openPage(browser, server.url);
				await runPart('wasm', () => measureWasm(page));
				await runPart('parallel', async () => measureParallel(await openPage(browser, isolating.url)));
				await runPart('webgpu', () => measureWebGpu(page));
			},
			{ args: swiftshaderArguments }
		);
	} finally {
		await Promise.all([server.close(), isolating.close()]);
	}
	const more = { by_both_clocks: { times_faster: bothRatios, best_gflops: bothBest }, engines, rates, notes };
	report('engine', rows, floors, { ...context, ...more });
}

/** The rows as Chromium gives them, or undefined where it reaches no adapter but a CPU. */
async function measureGpuInChromium(): Promise<GpuRows | undefined> {
	if (!findChromium()) return undefined;
	const server = await servePage('tests/bench/engine', { plugins: [assemblyScript()] });
	const ownAdapter = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-angle=vulkan'];
	try {
		return await withChromium(
			async (browser) => {
				const page = await openPage(browser, server.url);
				const architecture = await page.evaluate(async () => {
					const adapter = await navigator.gpu?.requestAdapter();
					return adapter?.info.architecture ?? (adapter ? 'unnamed' : 'none');
				});
				progress(`Chromium's adapter: ${architecture}`);
				if (architecture === 'none' || architecture === 'swiftshader') return undefined;
				const bench = new Bench(page, 'webgpu');
				return measureGpu((request) => bench.call(request), quick);
			},
			{ args: ownAdapter }
		);
	} finally {
		await server.close();
	}
}

async function measureOwnGpu(): Promise<void> {
	let found = await measureGpuInChromium().catch((error: unknown) => {
		progress(`Chromium: ${firstLine(error)}`);
		return undefined;
	});
	let ask: AskEngines | undefined;
	if (!found) {
		ask = await enginesInNode();
		context.runtime = 'Node';
		if (ask) found = await measureGpu(ask, quick);
		else progress('No graphics adapter answers, neither in Chromium nor in Node.');
	}
	const empty: Rows = { webgpu_train_b32_vs_tfjs_webgpu: null, webgpu_train_dispatches: null };
	if (!found) notes.push('WebGPU rows are null: no graphics adapter answers, neither in Chromium nor in Node.');
	report('engine', found?.rows ?? empty, gpuFloors, {
		quick,
		runtime: 'Chromium',
		...context,
		...found?.context,
		notes
	});
	// Dawn keeps Node waiting for as long as its instance lives.
	if (ask) process.exit();
}

await (gpu ? measureOwnGpu() : measureInChromium());
