/** Opened segments are kept while they are asked for, and let go beyond a size or when nobody has asked for long. */
import { expect, test } from 'vitest';
import { encodeSegment } from '$lib/storage/codec/segment';
import type { SegmentKey } from '$lib/storage/database';
import { SegmentCache } from '$lib/storage/segments';

const minute = 60_000;
const zeros = new Float64Array(2);
const block = encodeSegment([{ series: 1, times: Float64Array.of(1, 2), columns: [Float64Array.of(3, 4), zeros] }]);
const keyOf = (serial: number): SegmentKey => [1, 0, 0, serial, serial + 1, 0, 2, 2, block.length, serial];

function open(limitBytes: number) {
	let now = 0;
	let read = 0;
	const tables = {
		segments: { bulkGet: (keys: unknown[]) => Promise.resolve(keys.map(() => (read++, block))) }
	} as unknown as Parameters<SegmentCache['open']>[0];
	const cache = new SegmentCache(limitBytes, () => now);
	return {
		ask: async (...serials: number[]) => {
			const segments = await cache.open(tables, serials.map(keyOf));
			expect(segments.every((segment) => segment?.has(1))).toBe(true);
			return read;
		},
		wait: (ms: number) => (now += ms)
	};
}

test('what nobody has asked for in ten minutes is read again, the rest is not', async () => {
	const { ask, wait } = open(1e9);
	expect(await ask(1, 2)).toBe(2);
	wait(6 * minute);
	expect(await ask(2)).toBe(2);
	wait(6 * minute);
	expect(await ask(2)).toBe(2);
	expect(await ask(1)).toBe(3);
});

test('beyond its size the least recently used goes', async () => {
	const { ask } = open(1);
	expect(await ask(1)).toBe(1);
	expect(await ask(2)).toBe(2);
	expect(await ask(1)).toBe(3);
});
