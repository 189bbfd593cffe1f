/**
 * Keeps one worker going: spawns it, starts it, and after a crash or a failed start does so again, later each time.
 *
 * In: how to spawn and start it. Out: its api and its condition, for a person to see. Timers are injected for tests.
 */
import { isAborted, toPlainError, type EpochMs, type PlainError } from '$lib/contracts';
import type { Promisified, WorkerHandle } from '$lib/workers/host';

export interface WorkerCondition {
	readonly state: 'off' | 'starting' | 'running' | 'restarting';
	readonly restarts: number;
	/** What ended it last; kept until it has run again for a while. */
	readonly problem?: PlainError;
	/** When the next attempt is made, while restarting. */
	readonly retryAt?: EpochMs;
}

export const workerOff: WorkerCondition = { state: 'off', restarts: 0 };

/** First wait after a crash; doubled each time up to the longest. */
export const firstRetryMs = 1_000;
export const longestRetryMs = 30_000;
/** After this long without a crash the next wait is the first again. */
export const steadyAfterMs = 60_000;
/** A worker that does not say it has stopped within this time is terminated all the same. */
const stopPatienceMs = 3_000;

interface Options<T> {
	readonly spawn: () => WorkerHandle<T>;
	/** Called after every spawn, so that a restarted worker takes its work up again. */
	readonly start: (api: Promisified<T>) => Promise<void>;
	/** Asks for a clean end, before the worker is terminated. */
	readonly stop?: (api: Promisified<T>) => Promise<void>;
	readonly onChange?: (condition: WorkerCondition) => void;
	readonly schedule?: (action: () => void, ms: number) => () => void;
	readonly now?: () => EpochMs;
}

const scheduleTimeout = (action: () => void, ms: number) => {
	const timer = setTimeout(action, ms);
	return () => clearTimeout(timer);
};

export class WorkerSupervisor<T> {
	#options: Options<T>;
	#schedule: (action: () => void, ms: number) => () => void;
	#now: () => EpochMs;
	#handle: WorkerHandle<T> | undefined;
	#started: Promise<void> | undefined;
	#condition = workerOff;
	#wanted = false;
	#retries = 0;
	#runningSince: EpochMs | undefined;
	#cancelRetry: (() => void) | undefined;

	constructor(options: Options<T>) {
		this.#options = options;
		this.#schedule = options.schedule ?? scheduleTimeout;
		this.#now = options.now ?? Date.now;
	}

	get condition(): WorkerCondition {
		return this.#condition;
	}

	/** The api of the present worker, spawned if there is none, not necessarily started. */
	get api(): Promisified<T> {
		return this.#spawned().api;
	}

	/** Spawns and starts; from now on the worker is kept going. Resolves when the first start has succeeded or failed. */
	async start(): Promise<void> {
		this.#wanted = true;
		await this.#attempt();
	}

	/**
	 * Resolves once the worker has started; rejects when that start failed (another attempt follows). After a crash it is started at
	 * once: who asks for it does not wait.
	 */
	async whenStarted(): Promise<Promisified<T>> {
		if (!this.#wanted) await this.start();
		else if (!this.#handle) await this.#attempt();
		await this.#started;
		return this.api;
	}

	async stop(): Promise<void> {
		this.#wanted = false;
		this.#cancelRetry?.();
		const handle = this.#handle;
		const wasStarted = this.#started !== undefined;
		this.#handle = undefined;
		this.#started = undefined;
		this.#retries = 0;
		if (handle && wasStarted && this.#options.stop) {
			let cancelPatience = () => {};
			const patience = new Promise<void>((resolve) => (cancelPatience = this.#schedule(resolve, stopPatienceMs)));
			await Promise.race([this.#options.stop(handle.api).catch(() => {}), patience]);
			cancelPatience();
		}
		handle?.terminate();
		this.#change(workerOff);
	}

	#spawned(): WorkerHandle<T> {
		if (this.#handle) return this.#handle;
		const handle = this.#options.spawn();
		this.#handle = handle;
		handle.onCrash((error) => this.#failed(handle, toPlainError(error)));
		return handle;
	}

	async #attempt(): Promise<void> {
		this.#cancelRetry?.();
		const handle = this.#spawned();
		this.#change({ ...this.#condition, state: this.#retries > 0 ? 'restarting' : 'starting', retryAt: undefined });
		const started = this.#options.start(handle.api);
		this.#started = started;
		try {
			await started;
			if (this.#handle !== handle) return;
			this.#runningSince = this.#now();
			this.#change({ ...this.#condition, state: 'running', retryAt: undefined });
		} catch (error) {
			this.#failed(handle, toPlainError(error));
		}
	}

	#failed(handle: WorkerHandle<T>, problem: PlainError): void {
		if (this.#handle !== handle) return;
		this.#handle = undefined;
		handle.terminate();
		if (!this.#wanted || isAborted(problem)) return;
		if (this.#runningSince !== undefined && this.#now() - this.#runningSince >= steadyAfterMs) this.#retries = 0;
		this.#runningSince = undefined;
		const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#retries);
		this.#retries += 1;
		this.#change({
			state: 'restarting',
			restarts: this.#condition.restarts + 1,
			problem,
			retryAt: this.#now() + wait
		});
		this.#cancelRetry = this.#schedule(() => void this.#attempt(), wait);
	}

	#change(condition: WorkerCondition): void {
		this.#condition = condition;
		this.#options.onChange?.(condition);
	}
}
