import { describe, expect, it } from 'vitest';
import { MillwrightError } from '$lib/contracts';
import { firstRetryMs, longestRetryMs, steadyAfterMs, WorkerSupervisor } from '$lib/state/app/worker-supervisor';
import type { Promisified, WorkerHandle } from '$lib/workers/host';

interface Api {
	start(): Promise<void>;
	stop(): Promise<void>;
}

/** A worker host whose workers crash when told, and a clock that moves when told. */
function bench(startFails = 0) {
	let now = 0;
	const timers: { at: number; action: () => void; live: boolean }[] = [];
	const workers: { crash: () => void; terminated: boolean; stopped: boolean }[] = [];
	let failures = startFails;
	const supervisor = new WorkerSupervisor<Api>({
		spawn: () => {
			let onCrash: (error: MillwrightError) => void = () => {};
			const worker = {
				crash: () => onCrash(new MillwrightError('worker-crashed', 'gone')),
				terminated: false,
				stopped: false
			};
			workers.push(worker);
			const api = {
				start: async () => {
					if (failures-- > 0) throw new MillwrightError('internal', 'cannot start');
				},
				stop: async () => void (worker.stopped = true)
			};
			return {
				api: api as Promisified<Api>,
				onCrash: (listener) => ((onCrash = listener), () => {}),
				terminate: () => (worker.terminated = true)
			} as WorkerHandle<Api>;
		},
		start: (api) => api.start(),
		stop: (api) => api.stop(),
		now: () => now,
		schedule: (action, ms) => {
			const timer = { at: now + ms, action, live: true };
			timers.push(timer);
			return () => (timer.live = false);
		}
	});
	/** Moves the clock and lets what is due happen, to its end. */
	const pass = async (ms: number) => {
		now += ms;
		for (const timer of timers.filter(({ at, live }) => live && at <= now)) {
			timer.live = false;
			timer.action();
		}
		for (let i = 0; i < 5; i++) await Promise.resolve();
	};
	return { supervisor, workers, pass };
}

describe('a supervised worker', () => {
	it('is started again after a crash, and says so meanwhile', async () => {
		const { supervisor, workers, pass } = bench();
		await supervisor.start();
		expect(supervisor.condition.state).toBe('running');
		workers[0]!.crash();
		expect(supervisor.condition).toMatchObject({
			state: 'restarting',
			restarts: 1,
			problem: { code: 'worker-crashed' }
		});
		expect(supervisor.condition.retryAt).toBe(firstRetryMs);
		await pass(firstRetryMs);
		expect(workers).toHaveLength(2);
		expect(supervisor.condition).toMatchObject({ state: 'running', restarts: 1 });
	});

	it('waits longer each time, up to a limit, and shortly again once it has run for a while', async () => {
		const { supervisor, workers, pass } = bench();
		await supervisor.start();
		const waits: number[] = [];
		let now = 0;
		for (let i = 0; i < 8; i++) {
			workers.at(-1)!.crash();
			const wait = supervisor.condition.retryAt! - now;
			waits.push(wait);
			now += wait;
			await pass(wait);
		}
		expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * firstRetryMs));
		expect(waits.at(-1)).toBe(longestRetryMs);
		await pass(steadyAfterMs);
		now += steadyAfterMs;
		workers.at(-1)!.crash();
		expect(supervisor.condition.retryAt! - now).toBe(firstRetryMs);
	});

	it('tries again when the start itself fails', async () => {
		const { supervisor, workers, pass } = bench(1);
		await supervisor.start();
		expect(supervisor.condition).toMatchObject({ state: 'restarting', problem: { message: 'cannot start' } });
		expect(workers[0]!.terminated).toBe(true);
		await pass(firstRetryMs);
		expect(supervisor.condition.state).toBe('running');
	});

	it('stops cleanly, and a stopped one is not started again', async () => {
		const { supervisor, workers, pass } = bench();
		await supervisor.start();
		await supervisor.stop();
		expect(workers[0]).toMatchObject({ stopped: true, terminated: true });
		workers[0]!.crash();
		await pass(longestRetryMs);
		expect(workers).toHaveLength(1);
		expect(supervisor.condition.state).toBe('off');
	});

	it('does not start after a stop that came while a retry was waiting', async () => {
		const { supervisor, workers, pass } = bench();
		await supervisor.start();
		workers[0]!.crash();
		await supervisor.stop();
		await pass(longestRetryMs);
		expect(workers).toHaveLength(1);
	});
});
