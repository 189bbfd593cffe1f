import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { scrub, shortestSpanMs, spanOf, startScrub, timeAt, type ScrubEvent, type ScrubState } from '$lib/charts/scrub';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const start = startScrub(now, hour);
const after = (state: ScrubState, ...events: ScrubEvent[]) => events.reduce(scrub, state);

describe('following', () => {
	it('moves with the clock and keeps its span', () => {
		const state = after(start, { type: 'tick', now: now + 5_000 });
		expect(state.viewport).toEqual({ from: now + 5_000 - hour, to: now + 5_000 });
	});

	it('ends when a finger drags into history, and the view then stands still', () => {
		const state = after(
			start,
			{ type: 'press', pointer: 1, x: 0.2 },
			{ type: 'move', pointer: 1, x: 0.7 },
			{ type: 'release', pointer: 1 },
			{ type: 'tick', now: now + 60_000 }
		);
		expect(state.following).toBe(false);
		expect(state.viewport.to).toBeCloseTo(now - hour / 2, -1);
	});

	it('begins again when a drag ends at the present, and by the live event', () => {
		const history = after(start, { type: 'pan', by: -3 });
		expect(history.following).toBe(false);
		expect(after(history, { type: 'pan', by: 3 }).following).toBe(true);
		const live = after(history, { type: 'live' });
		expect(live.viewport).toEqual({ from: now - hour, to: now });
	});

	it('holds the present at the right edge while zooming', () => {
		const state = after(start, { type: 'wheel', x: 0.3, steps: 3 });
		expect(state.viewport.to).toBeCloseTo(now, -1);
		expect(state.following).toBe(true);
	});
});

describe('fingers', () => {
	it('keeps the time under a dragging finger', () => {
		const history = after(start, { type: 'pan', by: -10 }, { type: 'press', pointer: 1, x: 0.4 });
		const held = timeAt(history.viewport, 0.4);
		const moved = after(history, { type: 'move', pointer: 1, x: 0.9 });
		expect(timeAt(moved.viewport, 0.9)).toBeCloseTo(held, -1);
	});

	it('keeps the times under two pinching fingers', () => {
		const history = after(
			start,
			{ type: 'pan', by: -10 },
			{ type: 'press', pointer: 1, x: 0.4 },
			{ type: 'press', pointer: 2, x: 0.6 }
		);
		const held = [timeAt(history.viewport, 0.4), timeAt(history.viewport, 0.6)] as const;
		const spread = after(history, { type: 'move', pointer: 1, x: 0.2 }, { type: 'move', pointer: 2, x: 0.9 });
		expect(timeAt(spread.viewport, 0.2)).toBeCloseTo(held[0], -2);
		expect(timeAt(spread.viewport, 0.9)).toBeCloseTo(held[1], -2);
	});

	it('goes on dragging with the finger that stays when the other lifts', () => {
		const pinching = after(
			start,
			{ type: 'pan', by: -10 },
			{ type: 'press', pointer: 1, x: 0.4 },
			{ type: 'press', pointer: 2, x: 0.6 },
			{ type: 'release', pointer: 1 }
		);
		const held = timeAt(pinching.viewport, 0.6);
		const moved = after(pinching, { type: 'move', pointer: 2, x: 0.3 });
		expect(timeAt(moved.viewport, 0.3)).toBeCloseTo(held, -1);
	});

	it('points at the time of a tap, and does not move for it', () => {
		const tapped = after(
			start,
			{ type: 'press', pointer: 1, x: 0.5 },
			{ type: 'move', pointer: 1, x: 0.502 },
			{ type: 'release', pointer: 1 }
		);
		expect(tapped.viewport).toEqual(start.viewport);
		expect(tapped.cursor).toBe(now - hour / 2);
	});
});

describe('limits', () => {
	it('never shows the future, nothing shorter than five seconds, and not far before the oldest sample', () => {
		const event: fc.Arbitrary<ScrubEvent> = fc.oneof(
			fc.record({ type: fc.constant('pan' as const), by: fc.double({ min: -50, max: 50, noNaN: true }) }),
			fc.record({ type: fc.constant('zoom' as const), factor: fc.double({ min: 0.01, max: 100, noNaN: true }) }),
			fc.record({ type: fc.constant('span' as const), ms: fc.double({ min: 1, max: 1e12, noNaN: true }) }),
			fc.record({ type: fc.constant('press' as const), pointer: fc.integer({ min: 1, max: 3 }), x: fc.double({ min: 0, max: 1, noNaN: true }) }), // prettier-ignore
			fc.record({ type: fc.constant('move' as const), pointer: fc.integer({ min: 1, max: 3 }), x: fc.double({ min: 0, max: 1, noNaN: true }) }), // prettier-ignore
			fc.record({ type: fc.constant('release' as const), pointer: fc.integer({ min: 1, max: 3 }) }),
			fc.constant<ScrubEvent>({ type: 'live' })
		);
		const earliest = now - 24 * hour;
		fc.assert(
			fc.property(fc.array(event, { maxLength: 60 }), (events) => {
				const state = after(start, { type: 'earliest', time: earliest }, ...events);
				const { from, to } = state.viewport;
				expect(Number.isFinite(from) && Number.isFinite(to)).toBe(true);
				expect(to).toBeLessThanOrEqual(now + 1);
				expect(spanOf(state.viewport)).toBeGreaterThanOrEqual(shortestSpanMs - 1);
				expect(to).toBeGreaterThanOrEqual(Math.min(earliest, now));
			}),
			{ seed: 5, numRuns: 300 }
		);
	});
});
