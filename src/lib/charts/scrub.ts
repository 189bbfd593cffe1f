/**
 * What span of time a chart shows, and how fingers, mouse, wheel, keys and buttons change it: a state machine without
 * DOM. In: events with positions as fractions of the plot's width. Out: the next state. The clock comes in as events.
 */
import type { EpochMs } from '../contracts';

export interface Viewport {
	readonly from: EpochMs;
	readonly to: EpochMs;
}

type Gesture =
	| { readonly kind: 'idle' }
	/** A finger is down and has not moved enough to mean anything. */
	| { readonly kind: 'pressed'; readonly pointer: number; readonly x: number }
	| { readonly kind: 'dragging'; readonly pointer: number; readonly x: number; readonly start: Viewport }
	| {
			readonly kind: 'pinching';
			readonly pointers: readonly [number, number];
			readonly at: readonly [number, number];
			/** Times that were under the fingers when the pinch began: they stay under them. */
			readonly times: readonly [EpochMs, EpochMs];
	  };

export interface ScrubState {
	readonly viewport: Viewport;
	/** The right edge moves with the clock. */
	readonly following: boolean;
	readonly now: EpochMs;
	/** Oldest time worth showing; undefined: not known yet. */
	readonly earliest: EpochMs | undefined;
	readonly gesture: Gesture;
	/** Time under the mouse, or the one tapped. */
	readonly cursor: EpochMs | undefined;
}

export type ScrubEvent =
	| { readonly type: 'tick'; readonly now: EpochMs }
	| { readonly type: 'earliest'; readonly time: EpochMs | undefined }
	| { readonly type: 'press'; readonly pointer: number; readonly x: number }
	| { readonly type: 'move'; readonly pointer: number; readonly x: number }
	| { readonly type: 'release'; readonly pointer: number }
	| { readonly type: 'cancel' }
	| { readonly type: 'hover'; readonly x: number | undefined }
	/** Positive steps zoom out. */
	| { readonly type: 'wheel'; readonly x: number; readonly steps: number }
	| { readonly type: 'zoom'; readonly factor: number; readonly x?: number }
	/** Fraction of the span; positive goes to later times. */
	| { readonly type: 'pan'; readonly by: number }
	| { readonly type: 'cursor'; readonly by: number }
	| { readonly type: 'span'; readonly ms: number }
	| { readonly type: 'show'; readonly from: EpochMs; readonly to: EpochMs }
	| { readonly type: 'live' };

export const shortestSpanMs = 5_000;
export const longestSpanMs = 20 * 365 * 86_400_000;
/** A finger that moves less than this fraction of the width taps. */
export const tapSlop = 0.008;
/** Ending within this fraction of the span from now means: live again. */
const liveEdge = 0.02;

export function startScrub(now: EpochMs, spanMs: number): ScrubState {
	return {
		viewport: { from: now - spanMs, to: now },
		following: true,
		now,
		earliest: undefined,
		gesture: { kind: 'idle' },
		cursor: undefined
	};
}

export const spanOf = (viewport: Viewport): number => viewport.to - viewport.from;
export const timeAt = (viewport: Viewport, x: number): EpochMs => viewport.from + x * spanOf(viewport);
export const fractionOf = (viewport: Viewport, time: EpochMs): number => (time - viewport.from) / spanOf(viewport);

export function scrub(state: ScrubState, event: ScrubEvent): ScrubState {
	switch (event.type) {
		case 'tick': {
			const now = Math.max(state.now, event.now);
			if (!state.following) return { ...state, now };
			return { ...state, now, viewport: { from: now - spanOf(state.viewport), to: now } };
		}
		case 'earliest':
			return { ...state, earliest: event.time };
		case 'press':
			return press(state, event.pointer, event.x);
		case 'move':
			return move(state, event.pointer, event.x);
		case 'release':
			return release(state, event.pointer);
		case 'cancel':
			return { ...state, gesture: { kind: 'idle' } };
		case 'hover':
			return {
				...state,
				cursor: event.x === undefined || event.x < 0 || event.x > 1 ? undefined : timeAt(state.viewport, event.x)
			};
		case 'wheel':
			return zoom(state, 1.2 ** event.steps, event.x);
		case 'zoom':
			// Buttons zoom about the live edge while following, else about the middle.
			return zoom(state, event.factor, event.x ?? (state.following ? 1 : 0.5));
		case 'pan':
			return settle(place(state, shift(state.viewport, event.by * spanOf(state.viewport))));
		case 'cursor': {
			const time = (state.cursor ?? timeAt(state.viewport, 0.5)) + event.by * spanOf(state.viewport);
			return { ...state, cursor: clamp(time, state.viewport.from, state.viewport.to) };
		}
		case 'span': {
			const ms = clamp(event.ms, shortestSpanMs, longestSpanMs);
			const to = state.following ? state.now : state.viewport.to;
			return place(state, { from: to - ms, to }, state.following);
		}
		case 'show':
			return settle(place(state, { from: event.from, to: Math.max(event.to, event.from + shortestSpanMs) }));
		case 'live':
			return { ...place(state, { from: state.now - spanOf(state.viewport), to: state.now }, true), cursor: undefined };
	}
}

function press(state: ScrubState, pointer: number, x: number): ScrubState {
	const { gesture, viewport } = state;
	if (gesture.kind === 'idle') return { ...state, gesture: { kind: 'pressed', pointer, x } };
	if ((gesture.kind === 'pressed' || gesture.kind === 'dragging') && gesture.pointer !== pointer) {
		const held = gesture.x;
		return {
			...state,
			gesture: {
				kind: 'pinching',
				pointers: [gesture.pointer, pointer],
				at: [held, x],
				times: [timeAt(viewport, held), timeAt(viewport, x)]
			}
		};
	}
	return state;
}

function move(state: ScrubState, pointer: number, x: number): ScrubState {
	const { gesture } = state;
	switch (gesture.kind) {
		case 'idle':
			return state;
		case 'pressed': {
			if (gesture.pointer !== pointer || Math.abs(x - gesture.x) < tapSlop) return state;
			return move(
				{ ...state, cursor: undefined, gesture: { ...gesture, kind: 'dragging', start: state.viewport } },
				pointer,
				x
			);
		}
		case 'dragging': {
			if (gesture.pointer !== pointer) return state;
			const moved = shift(state.viewport, -(x - gesture.x) * spanOf(state.viewport));
			return { ...place(state, moved), gesture: { ...gesture, x } };
		}
		case 'pinching': {
			const which = gesture.pointers.indexOf(pointer);
			if (which < 0) return state;
			const at: [number, number] = [gesture.at[0], gesture.at[1]];
			at[which] = x;
			const distance = at[1] - at[0];
			const held = gesture.times[1] - gesture.times[0];
			// Fingers on one spot say nothing of a span, and crossing them would turn time round.
			if (Math.abs(distance) < 0.01 || Math.sign(distance) !== Math.sign(held))
				return { ...state, gesture: { ...gesture, at } };
			const span = clamp(held / distance, shortestSpanMs, longestSpanMs);
			const middle = (gesture.times[0] + gesture.times[1]) / 2;
			const from = middle - ((at[0] + at[1]) / 2) * span;
			return { ...place(state, { from, to: from + span }), gesture: { ...gesture, at } };
		}
	}
}

function release(state: ScrubState, pointer: number): ScrubState {
	const { gesture, viewport } = state;
	if (gesture.kind === 'pressed' && gesture.pointer === pointer)
		return { ...state, cursor: timeAt(viewport, gesture.x), gesture: { kind: 'idle' } };
	if (gesture.kind === 'dragging' && gesture.pointer === pointer)
		return settle({ ...state, gesture: { kind: 'idle' } });
	if (gesture.kind === 'pinching' && gesture.pointers.includes(pointer)) {
		const left = gesture.pointers[0] === pointer ? 1 : 0;
		return {
			...settle(state),
			gesture: { kind: 'dragging', pointer: gesture.pointers[left], x: gesture.at[left], start: viewport }
		};
	}
	return state;
}

function zoom(state: ScrubState, factor: number, x: number): ScrubState {
	const old = spanOf(state.viewport);
	const span = clamp(old * factor, shortestSpanMs, longestSpanMs);
	const pivot = state.following ? 1 : x;
	const from = timeAt(state.viewport, pivot) - pivot * span;
	return place(state, { from, to: from + span }, state.following);
}

/** Keeps the viewport where there may be something to see: no later than now, no earlier than the oldest sample. */
function place(state: ScrubState, wanted: Viewport, following = false): ScrubState {
	const span = spanOf(wanted);
	let from = wanted.from;
	if (state.earliest !== undefined) from = Math.max(from, Math.min(state.earliest - span / 2, state.now - span));
	from = Math.min(from, state.now - span);
	return { ...state, following, viewport: { from, to: from + span } };
}

/** At the end of a movement near the present, following begins again. */
function settle(state: ScrubState): ScrubState {
	const { viewport, now } = state;
	if (state.following || now - viewport.to > liveEdge * spanOf(viewport)) return state;
	return { ...state, following: true, viewport: shift(viewport, now - viewport.to) };
}

const shift = (viewport: Viewport, ms: number): Viewport => ({ from: viewport.from + ms, to: viewport.to + ms });
const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
