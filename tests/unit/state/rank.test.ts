/** Worst first: who is looked at before whom. */
import { expect, test } from 'vitest';
import { rankOf, type Ranked } from '$lib/state/plant/rank';

const machine = (over: Partial<Ranked>): Ranked => ({
	id: 'm',
	grade: 'good',
	anomalous: false,
	stale: false,
	...over
});

test('alarms, then grades; a machine that fell silent unjudged comes before the good ones, one that is merely not judged yet last', () => {
	const worstFirst = [
		machine({ alarm: { priority: 'high', state: 'unacknowledged' } }),
		machine({ alarm: { priority: 'high', state: 'acknowledged' } }),
		machine({ alarm: { priority: 'low', state: 'unacknowledged' }, grade: 'unknown', stale: true }),
		machine({ grade: 'critical' }),
		machine({ grade: 'watch', anomalous: true }),
		machine({ grade: 'watch', stale: true }),
		machine({ grade: 'watch' }),
		machine({ grade: 'unknown', stale: true }),
		machine({ stale: true }),
		machine({}),
		machine({ grade: 'unknown' })
	].map(rankOf);
	expect(worstFirst).toEqual([...worstFirst].sort((a, b) => a - b));
	expect(new Set(worstFirst).size).toBe(worstFirst.length);
});
