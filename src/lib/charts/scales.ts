/**
 * Scales and ticks of charts: D3's mathematics, no DOM. In: domains and pixels. Out: functions and labelled ticks.
 */
import { scaleLinear, scaleTime, type ScaleLinear } from 'd3';
import type { EpochMs } from '../contracts';
import { lowerBound } from './trace';
import { decimalsFor } from '../words';

export interface TimeTick {
	readonly time: EpochMs;
	readonly label: string;
	/** Start of a day: carries the date. */
	readonly major: boolean;
}

export interface ValueTick {
	readonly value: number;
	readonly label: string;
}

const minute = 60_000;
const hour = 3_600_000;
const day = 24 * hour;

const hourMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const hourMinuteSecond = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const monthYear = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' });

/** Pixels that one tick label needs at 16 px. */
const pixelsPerTick = 104;

/** Ticks at round local times, at most about one per 104 px. Midnights carry the date, other ticks the time. */
export function timeTicks(from: EpochMs, to: EpochMs, width: number): TimeTick[] {
	if (!(to > from) || width <= 0) return [];
	const scale = scaleTime().domain([from, to]);
	const most = Math.max(1, Math.floor(width / pixelsPerTick));
	let dates = scale.ticks(most);
	// D3 takes the number as a hint: the nearest round step may give nearly twice as many, and parts of seconds, which have no label.
	const isTooFine = () => dates.length > most + 1 || dates.some((date) => date.getMilliseconds() > 0);
	for (let count = most - 1; isTooFine() && count > 0; count--) dates = scale.ticks(count);
	const step = dates.length > 1 ? dates[1]!.getTime() - dates[0]!.getTime() : to - from;
	return dates.map((date) => {
		const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
		const label =
			step >= 27 * day
				? monthYear.format(date)
				: midnight || step >= day
					? dayMonth.format(date)
					: step < minute
						? hourMinuteSecond.format(date)
						: hourMinute.format(date);
		return { time: date.getTime(), label, major: midnight && step < day };
	});
}

/** Linear map of [from, to] to [0, width]. */
export function timeScale(from: EpochMs, to: EpochMs, width: number): (time: EpochMs) => number {
	const factor = width / (to - from);
	return (time) => (time - from) * factor;
}

export interface ValueScaleOptions {
	/** Values that must be in sight, such as a threshold. */
	readonly include?: readonly number[];
	/** Nothing smaller than this is worth a full height: keeps noise of an idle sensor from filling the chart. */
	readonly leastSpan?: number;
	/** Fixed domain; the extent is then ignored. */
	readonly domain?: readonly [number, number];
}

/** Maps values to pixels from the bottom up, over a rounded domain that holds the extent. */
export function valueScale(
	extent: readonly [number, number] | undefined,
	height: number,
	options: ValueScaleOptions = {}
): ScaleLinear<number, number> {
	if (options.domain) return scaleLinear([...options.domain], [height, 0]);
	const wanted = [...(extent ?? []), ...(options.include ?? [])].filter(Number.isFinite);
	let low = wanted.length > 0 ? Math.min(...wanted) : 0;
	let high = wanted.length > 0 ? Math.max(...wanted) : 1;
	const least = Math.max(options.leastSpan ?? 0, Math.abs(high) * 1e-6, 1e-9);
	if (high - low < least) {
		const middle = (low + high) / 2;
		low = middle - least / 2;
		high = middle + least / 2;
	}
	const margin = (high - low) * 0.06;
	const from = low >= 0 && low - margin < 0 ? 0 : low - margin;
	return scaleLinear([from, high + margin], [height, 0]).nice(tickCount(height));
}

/** Few ticks, so that 16-px labels do not touch. */
export function tickCount(height: number): number {
	return Math.max(2, Math.floor(height / 44));
}

export function valueTicks(scale: ScaleLinear<number, number>, height: number): ValueTick[] {
	const ticks = scale.ticks(tickCount(height));
	const step = ticks.length > 1 ? Math.abs(ticks[1]! - ticks[0]!) : Math.abs(ticks[0] ?? 1);
	const decimals = decimalsFor(0, step || 1);
	return ticks.map((value) => ({ value, label: value.toFixed(decimals).replace('-', '\u2212') }));
}

/** Smallest and largest finite value with times within [from, to]; undefined when there is none. */
export function extentWithin(
	trace: { readonly times: ArrayLike<number>; readonly min: ArrayLike<number>; readonly max: ArrayLike<number> },
	from: EpochMs,
	to: EpochMs
): [number, number] | undefined {
	let low = Infinity;
	let high = -Infinity;
	for (let i = lowerBound(trace.times, from); i < trace.times.length && trace.times[i]! <= to; i++) {
		if (trace.min[i]! < low) low = trace.min[i]!;
		if (trace.max[i]! > high) high = trace.max[i]!;
	}
	return low <= high ? [low, high] : undefined;
}
