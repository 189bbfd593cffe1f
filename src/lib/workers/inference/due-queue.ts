/**
 * Inference: which machines are judged next when there is more to do than time.
 *
 * In: machines with when their oldest waiting reading came. Out: the longest-waiting ones first (earliest deadline first: Liu and
 * Layland, JACM 20(1), 1973, all deadlines being equally far off), and how many verdicts came later than promised.
 */
import type { EpochMs } from '../../contracts';

/** A verdict is late when its reading waited longer. */
export const verdictBudgetMs = 100;
const keptMs = 60_000;

export class DueQueue<T> {
	/** In order of arrival: a Map keeps it, and a machine that is due already stays where it is. */
	private readonly waiting = new Map<T, EpochMs>();
	private seconds: { at: number; verdicts: number; late: number }[] = [];

	add(machine: T, heardAt: EpochMs): void {
		if (!this.waiting.has(machine)) this.waiting.set(machine, heardAt);
	}

	remove(machine: T): void {
		this.waiting.delete(machine);
	}

	get size(): number {
		return this.waiting.size;
	}

	/** Takes up to `most` machines out, the longest-waiting first. */
	take(most: number): { readonly machine: T; readonly heardAt: EpochMs }[] {
		const taken: { machine: T; heardAt: EpochMs }[] = [];
		for (const [machine, heardAt] of this.waiting) {
			if (taken.length >= most) break;
			taken.push({ machine, heardAt });
		}
		for (const { machine } of taken) this.waiting.delete(machine);
		return taken;
	}

	/** Notes a verdict that took `waitedMs` from its reading. */
	judged(waitedMs: number, now: EpochMs): void {
		const second = Math.floor(now / 1_000);
		let last = this.seconds.at(-1);
		if (last?.at !== second) {
			last = { at: second, verdicts: 0, late: 0 };
			this.seconds.push(last);
			while (this.seconds[0]!.at * 1_000 < now - keptMs) this.seconds.shift();
		}
		last.verdicts++;
		if (waitedMs > verdictBudgetMs) last.late++;
	}

	/** Verdicts of the last minute, and those that came late. */
	lastMinute(now: EpochMs): { readonly verdicts: number; readonly late: number } {
		let verdicts = 0;
		let late = 0;
		for (const second of this.seconds) {
			if (second.at * 1_000 < now - keptMs) continue;
			verdicts += second.verdicts;
			late += second.late;
		}
		return { verdicts, late };
	}
}
