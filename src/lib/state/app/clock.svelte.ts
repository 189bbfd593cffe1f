/**
 * The page's one clock: `clock.now` changes once a second, so that ages tick and nothing else needs a timer of its own.
 */
import type { EpochMs } from '$lib/contracts';

class Clock {
	#now = $state<EpochMs>(Date.now());
	#users = 0;
	#timer: ReturnType<typeof setInterval> | undefined;

	get now(): EpochMs {
		return this.#now;
	}

	/** Starts ticking; returns what stops it. The shell holds it while the page is open. */
	start(): () => void {
		this.#users += 1;
		this.#now = Date.now();
		this.#timer ??= setInterval(() => (this.#now = Date.now()), 1000);
		return () => {
			this.#users -= 1;
			if (this.#users > 0) return;
			clearInterval(this.#timer);
			this.#timer = undefined;
		};
	}
}

export const clock = new Clock();
