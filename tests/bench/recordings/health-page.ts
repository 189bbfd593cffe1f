/**
 * What the benchmarks on labelled recordings share: their page, with its tasks by type; seeded folds; the floor of the commonest label.
 */
import type { HealthBench } from '../pages/health/worker';
import { withWorkerPage } from '../worker-page';

type Result<K extends keyof HealthBench> = Awaited<ReturnType<HealthBench[K]>>;

export interface HealthPage {
	/** Makes float64 values fetchable by the page; returns the address. */
	serve(name: string, columns: readonly Float64Array[]): string;
	call<K extends keyof HealthBench>(name: K, ...args: Parameters<HealthBench[K]>): Promise<Result<K>>;
}

export function withHealthPage(work: (page: HealthPage) => Promise<void>): Promise<void> {
	return withWorkerPage('health', (page) => work(page));
}

/** Seeded shuffle of 0 ... n-1 (mulberry32, Fisher-Yates). */
export function shuffled(count: number, seed: number): number[] {
	let state = seed >>> 0;
	const random = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const order = Array.from({ length: count }, (_, i) => i);
	for (let i = count - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[order[i], order[j]] = [order[j]!, order[i]!];
	}
	return order;
}

/** Share of the commonest label. */
export function majorityShare(labels: readonly number[]): number {
	const counts = new Map<number, number>();
	for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
	return Math.max(...counts.values()) / labels.length;
}
