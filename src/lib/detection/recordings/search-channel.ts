/**
 * State Detection: one channel of a recording searched from end to end.
 *
 * In: its values. Out: per value how far it, or how it moves, lies beyond what was seen, in usual ranges; and the stretches that stand out.
 * What screens and benchmarks call, so that both judge alike.
 */
import { anomalySequences, type AnomalySequence } from './anomaly-sequences';
import { allowance, RangeWatch } from './range-watch';
import { RecordWatch, standardPlan } from './record-watch';

/** Findings closer to each other are one. */
const options = { mergeRows: standardPlan.quietRows, leastShare: 0 };
/** Less beyond everything seen than this, in usual ranges, is not worth a look. */
const leastNovelty = 0.25;

/** Each of `later` over the allowance, 1 being the threshold, against the range of normal running. @throws `not-enough-data` below 50 normal values */
export function scoreAgainstNormal(normal: readonly number[], later: readonly number[]): number[] {
	const watch = new RangeWatch(normal);
	watch.forgetRows();
	return later.map((value) => watch.observe(value));
}

/** Each value's novelty against those before it, in usual ranges. */
export function noveltyOf(values: readonly number[]): number[] {
	const watch = new RecordWatch();
	return values.map((value) => watch.observe(value));
}

export interface ChannelFinding extends Omit<AnomalySequence, 'peak'> {
	/** In usual ranges of the channel. */
	readonly beyond: number;
}

/** Indices are those of `values`; `normal`: how many of the first values are held to be healthy. */
export function findAgainstBeginning(values: readonly number[], normal: number): ChannelFinding[] {
	const [lowest, highest] = extent(values.slice(0, normal));
	const middle = (lowest + highest) / 2;
	const half = (highest - lowest) / 2 || 1;
	const scaled = values.map((value) => (value - middle) / half);
	const scores = scoreAgainstNormal(scaled.slice(0, normal), scaled.slice(normal));
	return standingOut([...new Array<number>(normal).fill(0), ...scores.map((score) => score * allowance)]);
}

/** The first `silent` values are only learnt from. */
export function findAgainstBefore(values: readonly number[], silent: number): ChannelFinding[] {
	return standingOut(noveltyOf(values).map((novelty, r) => (r < silent ? 0 : novelty)));
}

/** `beyond`: per value, in usual ranges. */
function standingOut(beyond: readonly number[]): ChannelFinding[] {
	return anomalySequences(
		beyond.map((value) => value / leastNovelty),
		options
	).map(({ from, to, peak }) => ({ from, to, beyond: peak * leastNovelty }));
}

export function extent(values: readonly number[]): [lowest: number, highest: number] {
	let lowest = Number.POSITIVE_INFINITY;
	let highest = Number.NEGATIVE_INFINITY;
	for (const value of values) {
		lowest = Math.min(lowest, value);
		highest = Math.max(highest, value);
	}
	return [lowest, highest];
}
