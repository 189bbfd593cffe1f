/**
 * Benchmark: the table of jobs that the engines fill and the driver times, on one set of windows. In: requests of `protocol.ts`.
 * Out: milliseconds, differences. Runs in a Chromium worker and in Node alike.
 */
import type { BenchRequest, EngineName, JobInfo } from './protocol';
import { features, makeWindows, steps } from './reference-net';

const mostWindows = 256;
export const batch = 32;
export const perWindow = steps * features;
export const windows = makeWindows(mostWindows, 1);
export const targets = makeWindows(mostWindows, 2);
export const firstWindows = (count: number) => windows.subarray(0, count * perWindow);

export interface Job extends Omit<JobInfo, 'job'> {
	/** May return the milliseconds that count, measured by itself. */
	run(): void | Promise<void | number>;
}

const jobs = new Map<string, Job>();
/** Outputs of the first four windows, [4, steps, features]. */
export const outputs = new Map<EngineName, () => Promise<Float32Array>>();

export function addJob(name: string, count: number, flops: number, run: Job['run']): void {
	jobs.set(name, { windows: count, flops, run });
}

/** Makes an engine and its jobs ready (`quick`: shorter ones); returns what is to be told of it. */
export type SetUp = (quick: boolean) => Promise<Record<string, unknown>>;

/** Answers requests with the engines that `setUps` has; `more` answers kinds that only some places know. */
export function answerWith(
	setUps: Partial<Record<EngineName, SetUp>>,
	more: Partial<Record<BenchRequest['kind'], () => Promise<unknown>>>
): (request: BenchRequest) => Promise<unknown> {
	return async (request) => {
		if (request.kind === 'setup') {
			const setUp = setUps[request.engine];
			if (!setUp) throw new Error(`No engine ${request.engine} here`);
			const context = await setUp(request.quick ?? false);
			const own = [...jobs].filter(([job]) => job.startsWith(`${request.engine}/`));
			return { context, jobs: own.map(([job, info]): JobInfo => ({ job, windows: info.windows, flops: info.flops })) };
		}
		if (request.kind === 'compare') {
			const [a, b] = await Promise.all(request.engines.map((name) => outputs.get(name)!()));
			return a!.reduce((worst, value, k) => Math.max(worst, Math.abs(value - b![k]!)), 0);
		}
		if (request.kind !== 'time') return more[request.kind]!();
		const job = jobs.get(request.job);
		if (!job) throw new Error(`No job ${request.job}`);
		const start = performance.now();
		let counted = 0;
		for (let k = 0; k < request.times; k++) {
			const done = job.run();
			if (done) counted += (await done) ?? 0;
		}
		return counted || performance.now() - start;
	};
}
