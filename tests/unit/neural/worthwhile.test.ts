/** How many workers share a batch: none where the exchange would cost more than it saves, never more than there are cores to spare. */
import { describe, expect, it } from 'vitest';
import type { NetworkSpec } from '$lib/neural';
import { worthwhileWorkers } from '$lib/neural/parallel/worthwhile';

const stack = (...units: number[]): NetworkSpec => ({
	features: 8,
	layers: [
		...units.map((count) => ({ kind: 'lstm' as const, units: count, returnSequences: true })),
		{ kind: 'dense', units: 8 }
	]
});

describe('workers that pay', () => {
	it('are one for a small network or batch, whatever the cores', () => {
		expect(worthwhileWorkers(stack(24), 32, 16, 8)).toBe(1);
		expect(worthwhileWorkers(stack(128, 64), 99, 3, 8)).toBe(1);
		expect(worthwhileWorkers(stack(128, 64), 99, 32, 1)).toBe(1);
	});

	it('are all of two cores for a large one, and leave one of more to the page', () => {
		expect(worthwhileWorkers(stack(128, 64, 32), 99, 32, 2)).toBe(2);
		expect(worthwhileWorkers(stack(128, 64, 32), 99, 32, 4)).toBe(3);
		expect(worthwhileWorkers(stack(128, 64, 32), 99, 64, 64)).toBe(8);
	});
});
