/** Times in every form; and what becomes of a source whose clock is wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTimestamp } from '$lib/acquisition/decode/timestamps';
import { SourceClock } from '$lib/acquisition/source-clock';

const T = Date.UTC(2025, 10, 23, 6, 40, 0);

describe('parseTimestamp', () => {
	it.each([
		[T / 1000, T],
		[T, T],
		[T * 1e3, T],
		[T * 1e6, T],
		[T / 1000 + 0.25, T + 250],
		[String(T), T],
		['2025-11-23T06:40:00Z', T],
		['2025-11-23 06:40:00.000', T],
		['2025-11-23T06:40:00,5Z', T + 500],
		['2025-11-23T07:40:00+01:00', T],
		['2025-11-23T05:40:00-0100', T],
		['20251123', undefined],
		['Sun, 23 Nov 2025 06:40:00 GMT', T],
		['2025-02-30T00:00:00Z', undefined],
		['pump 3', undefined],
		['1', undefined],
		[12.5, undefined],
		[-1, undefined],
		[null, undefined],
		[true, undefined],
		[{}, undefined]
	])('reads %j', (value, expected) => {
		expect(parseTimestamp(value, T)).toBe(expected);
	});

	it('reads back any time of this century in every unit', () => {
		fc.assert(
			fc.property(fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 0, 1) }), (time) => {
				expect(parseTimestamp(time, T)).toBe(time);
				expect(parseTimestamp(new Date(time).toISOString(), T)).toBe(time);
				expect(Math.round(parseTimestamp(time / 1000, T)!)).toBe(time);
			})
		);
	});
});

describe('SourceClock', () => {
	const day = 86_400_000;
	const now = Date.UTC(2026, 10, 23);

	it('keeps times of the last week and up to ten minutes ahead', () => {
		const clock = new SourceClock();
		for (const time of [now, now - 6 * day, now + 9 * 60_000]) expect(clock.judge(time, now)).toEqual({ time });
	});

	it('corrects a clock that is hours ahead by one offset, so that spacing and repeats survive', () => {
		const clock = new SourceClock();
		const ahead = 2 * 3_600_000;
		const first = clock.judge(now + ahead, now + 40);
		expect(first).toEqual({ time: now, reason: 'time-in-future' });
		expect(clock.judge(now + ahead + 1000, now + 1090).time).toBe(now + 1000);
		expect(clock.judge(now + ahead, now + 5000).time).toBe(first.time);
	});

	it('keeps the times of a recording played back, and says so once', () => {
		const clock = new SourceClock();
		const old = Date.UTC(2020, 2, 9);
		const verdicts = Array.from({ length: 100 }, (_, i) => clock.judge(old + i * 3_600_000, now + i));
		expect(verdicts.map(({ time }) => time)).toEqual(Array.from({ length: 100 }, (_, i) => old + i * 3_600_000));
		expect(verdicts.filter(({ reason }) => reason !== undefined)).toHaveLength(1);
	});

	it('replaces a single outlier, and believes a change that lasts', () => {
		const clock = new SourceClock();
		clock.judge(now, now);
		expect(clock.judge(now - 400 * day, now + 1000)).toEqual({ time: now + 1000, reason: 'time-too-old' });
		expect(clock.judge(now + 2000, now + 2000)).toEqual({ time: now + 2000 });
		const old = now - 300 * day;
		const verdicts = [0, 1, 2, 3].map((i) => clock.judge(old + i, now + 3000 + i));
		expect(verdicts.map(({ time }) => time)).toEqual([now + 3000, now + 3001, old + 2, old + 3]);
	});

	it('does not believe a clock that was never set', () => {
		const clock = new SourceClock();
		const verdict = clock.judge(Date.UTC(2000, 0, 1, 0, 5), now);
		expect(verdict).toEqual({ time: now, reason: 'time-too-old' });
	});
});
