/**
 * Benchmark: the WebGPU rows on a real adapter, wherever it is reached from (a Chromium worker, or Node). In: a way to ask
 * the engines. Out: rows, floors and context. Rates are medians after the adapter has run long enough to raise its clock;
 * ratios compare turns that alternate.
 */
import { progress, type Rows } from '../harness';
import type { BenchCall, EngineName, JobInfo } from './protocol';

export type AskEngines = (request: BenchCall) => Promise<unknown>;

export const gpuFloors: Rows = { webgpu_train_b32_vs_tfjs_webgpu: 12 };

export interface GpuRows {
	readonly rows: Rows;
	readonly context: Record<string, unknown>;
}

const round = (value: number) => Number(value.toPrecision(4));
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

class GpuBench {
	readonly jobs = new Map<string, JobInfo>();
	readonly rates: Record<string, { windowsPerSecond: number; gflops: number }> = {};

	constructor(private readonly ask: AskEngines) {}

	async setUp(engine: EngineName): Promise<Record<string, unknown>> {
		const { context, jobs } = (await this.ask({ kind: 'setup', engine })) as {
			context: Record<string, unknown>;
			jobs: JobInfo[];
		};
		for (const job of jobs) this.jobs.set(job.job, job);
		return context;
	}

	/** Milliseconds of one run. */
	async time(job: string): Promise<number> {
		return (await this.ask({ kind: 'time', job, times: 1 })) as number;
	}

	/** Runs a job for so long. */
	async keepBusy(job: string, milliseconds: number): Promise<void> {
		const start = Date.now();
		do await this.time(job);
		while (Date.now() - start < milliseconds);
	}

	/** GFLOP/s in the middle of at least five runs and half a second. */
	async rate(job: string): Promise<number> {
		await this.keepBusy(job, 400);
		const times: number[] = [];
		const start = Date.now();
		while (times.length < 5 || (Date.now() - start < 500 && times.length < 200)) times.push(await this.time(job));
		const seconds = median(times) / 1000;
		const { windows, flops } = this.jobs.get(job)!;
		const gflops = flops / seconds / 1e9;
		this.rates[job] = { windowsPerSecond: round(windows / seconds), gflops: round(gflops) };
		progress(`${job}: ${this.rates[job].windowsPerSecond} windows/s, ${this.rates[job].gflops} GFLOP/s`);
		return gflops;
	}

	/** How many times as many windows a second `ours` trains as `other`, by alternating turns. */
	async ratio(ours: string, other: string, turns: number): Promise<number> {
		await this.time(other);
		const perWindow = async (job: string) => (await this.time(job)) / this.jobs.get(job)!.windows;
		const ratios: number[] = [];
		for (let turn = 0; turn < turns; turn++) {
			const slow = await perWindow(other);
			await this.keepBusy(ours, 300);
			ratios.push(slow / (await perWindow(ours)));
		}
		const seconds = (await this.time(other)) / 1000;
		const { windows, flops } = this.jobs.get(other)!;
		this.rates[other] = { windowsPerSecond: round(windows / seconds), gflops: round(flops / seconds / 1e9) };
		const result = median(ratios);
		progress(`${ours} is ${result.toFixed(1)} times ${other} (${this.rates[other].windowsPerSecond} windows/s)`);
		return result;
	}
}

/** `quick`: errors, dispatches and rates, without stock TensorFlow.js, of which one step takes seconds. */
export async function measureGpu(ask: AskEngines, quick: boolean): Promise<GpuRows> {
	const bench = new GpuBench(ask);
	const { detail: adapter } = await bench.setUp('gpu');
	progress(`adapter: ${String(adapter)}`);
	const errors = (await ask({ kind: 'errors' })) as Record<string, [part: string, error: number]>;
	const rows: Rows = { webgpu_largest_error: Math.max(...Object.values(errors).map(([, error]) => error)) };
	progress(`largest error against float64: ${rows.webgpu_largest_error}`);
	rows.webgpu_train_dispatches = (await ask({ kind: 'dispatches' })) as number;
	await bench.keepBusy('gpu/peak', quick ? 200 : 3000);
	const peak = await bench.rate('gpu/peak');
	rows.webgpu_fma_peak_gflops = peak;
	for (const job of bench.jobs.keys()) if (job !== 'gpu/peak') await bench.rate(job);
	for (const size of [32, 256, 1024])
		rows[`webgpu_train_b${size}_share_of_peak`] = bench.rates[`gpu/train/${size}`]!.gflops / peak;
	rows.webgpu_train_b32_vs_tfjs_webgpu = null;
	const engines: Record<string, unknown> = {};
	if (!quick) {
		engines.stock = await bench.setUp('tfjs-webgpu');
		rows.webgpu_train_b32_vs_tfjs_webgpu = await bench.ratio('gpu/train/32', 'tfjs-webgpu/train/32', 3);
		rows.webgpu_score_b256_vs_tfjs_webgpu = await bench.ratio('gpu/score/256', 'tfjs-webgpu/score/256', 3);
	}
	const context = {
		adapter,
		at_most: { webgpu_train_dispatches: 40, webgpu_largest_error: 1e-4 },
		errors,
		rates: bench.rates,
		choice_for_training: await ask({ kind: 'choice' }),
		engines
	};
	return { rows, context };
}
