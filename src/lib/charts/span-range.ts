/**
 * A from-to chosen by handles on a time axis, without DOM. In: a handle, a wanted time or a key. Out: the next range, inside
 * its limits and never shorter than the least.
 */
import type { EpochMs } from '../contracts';

export interface SpanRange {
	readonly from: EpochMs;
	readonly to: EpochMs;
}
export type SpanHandle = 'from' | 'to';

export function moveHandle(
	range: SpanRange,
	handle: SpanHandle,
	time: EpochMs,
	limits: SpanRange,
	leastMs: number
): SpanRange {
	const inside = Math.round(Math.min(limits.to, Math.max(limits.from, time)));
	return handle === 'from'
		? { ...range, from: Math.max(limits.from, Math.min(inside, range.to - leastMs)) }
		: { ...range, to: Math.min(limits.to, Math.max(inside, range.from + leastMs)) };
}

/** Where a key moves a handle to (arrows 1 %, page keys 10 % of the limits); undefined for other keys. */
export function keyTarget(key: string, at: EpochMs, limits: SpanRange): EpochMs | undefined {
	const step = (limits.to - limits.from) / 100;
	switch (key) {
		case 'ArrowLeft':
		case 'ArrowDown':
			return at - step;
		case 'ArrowRight':
		case 'ArrowUp':
			return at + step;
		case 'PageDown':
			return at - 10 * step;
		case 'PageUp':
			return at + 10 * step;
		case 'Home':
			return limits.from;
		case 'End':
			return limits.to;
		default:
			return undefined;
	}
}
