/**
 * SKAB's changepoint score, a variant of NAB's: every true changepoint opens a window of 60 s; the first flip of the verdict in it
 * earns the more the earlier it comes; flips outside cost.
 */
export interface ChangepointCounts {
	score: number;
	windows: number;
	missed: number;
	falsePositives: number;
}

const windowMs = 60_000;
/** Standard profile: worth at the window's left and right edge, and of a missed window. */
const worthFirst = 1;
const worthLast = -0.11;
const worthMissed = -1;

export function countChangepoints(
	times: readonly number[],
	flags: readonly number[],
	changepoints: readonly number[],
	into: ChangepointCounts
): ChangepointCounts {
	const flips = times.filter((_, r) => (r === 0 ? flags[0] === 1 : flags[r] !== flags[r - 1]));
	const windows: [number, number][] = [];
	times.forEach((time, r) => {
		if (!changepoints[r]) return;
		const before = windows.at(-1);
		windows.push([before && before[1] > time ? before[1] : time, time + windowMs]);
	});
	let inside = 0;
	let counted: number | undefined;
	windows.forEach(([from, to], w) => {
		into.windows++;
		// An edge that two windows share belongs to the earlier one.
		const hits = flips.filter(
			(time) =>
				time <= to && (counted !== undefined && w > 0 && from === windows[w - 1]![1] ? time > from : time >= from)
		);
		counted = to;
		inside += hits.length;
		if (hits.length === 0) {
			into.missed++;
			into.score += worthMissed;
		} else into.score += worthAt(to === from ? 0 : (hits[0]! - from) / (to - from));
	});
	into.falsePositives += flips.length - inside;
	into.score += worthLast * (flips.length - inside);
	return into;
}

/** Along -tanh(x), x from -pi/2 to pi/2, scaled to hit both ends. */
function worthAt(place: number): number {
	const edge = Math.tanh(Math.PI / 2);
	const falling = (edge - Math.tanh(-Math.PI / 2 + Math.PI * place)) / (2 * edge);
	return worthLast + (worthFirst - worthLast) * falling;
}

/** 0 for a silent detector, 100 for a perfect one. */
export function changepointScore({ score, windows }: ChangepointCounts): number {
	const silent = worthMissed * windows;
	return (100 * (score - silent)) / (worthFirst * windows - silent);
}
