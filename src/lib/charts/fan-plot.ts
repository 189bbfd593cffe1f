/**
 * Fan charts of a prognosis. In: health as it was and as it is expected to go on, or what was said of the remaining life at
 * earlier moments. Out: paths, ticks and marks to draw. Times are epoch ms, indices 0-100, lives hours.
 */
import { area, line, scaleLinear, scaleTime } from 'd3';
import type { EarlierPrognosis, EpochMs, HealthTrend } from '../contracts';
import { timeTicks } from './scales';
import type { AxisTick, Box } from './xy-plot';

export interface FanPlot {
	readonly past: string;
	readonly band: string;
	readonly median: string;
	/** Height of the event's limit. */
	readonly limitY: number;
	readonly nowX: number;
	/** Where the event is expected, and the span of its interval; undefined when it lies outside. */
	readonly event?: { readonly low: number; readonly median: number; readonly high: number };
	readonly xTicks: readonly AxisTick[];
	readonly yTicks: readonly AxisTick[];
}

const hourMs = 3_600_000;
const round = (value: number) => Math.round(value * 10) / 10;

export function layOutFan(
	trend: HealthTrend,
	rulHours: { readonly low: number; readonly median: number; readonly high: number },
	limit: number,
	now: EpochMs,
	box: Box
): FanPlot {
	const end = trend.future.at(-1)?.time ?? now;
	// As much past as future, or what there is of it: the change itself must be in sight.
	const from = Math.max(trend.past[0]?.time ?? now, Math.min(trend.since, now - (end - now) * 0.6));
	const x = scaleTime([from, end], [0, box.width]);
	const y = scaleLinear([0, 100], [box.height, 0]);
	const at = (hours: number) => round(x(Math.min(end, now + (Number.isFinite(hours) ? hours * hourMs : Infinity))));
	return {
		past:
			line<HealthTrend['past'][number]>()
				.x(({ time }) => round(x(time)))
				.y(({ index }) => round(y(index)))(trend.past.filter(({ time }) => time >= from)) ?? '',
		band:
			area<HealthTrend['future'][number]>()
				.x(({ time }) => round(x(time)))
				.y0(({ low }) => round(y(low)))
				.y1(({ high }) => round(y(high)))(trend.future) ?? '',
		median:
			line<HealthTrend['future'][number]>()
				.x(({ time }) => round(x(time)))
				.y(({ median }) => round(y(median)))(trend.future) ?? '',
		limitY: round(y(limit)),
		nowX: round(x(now)),
		event: { low: at(rulHours.low), median: at(rulHours.median), high: at(rulHours.high) },
		xTicks: timeTicks(from, end, box.width).map(({ time, label }) => ({ at: round(x(time)), label })),
		yTicks: [0, 50, 100].map((index) => ({ at: round(y(index)), label: String(index) }))
	};
}

export interface LifePlot {
	readonly band: string;
	readonly median: string;
	readonly xTicks: readonly AxisTick[];
	readonly yTicks: readonly AxisTick[];
	/** Where what was looked back on ends; undefined: nothing was. */
	readonly sinceX?: number;
}

/** What the remaining life is counted in. */
export function lifeUnit(said: readonly EarlierPrognosis[]): {
	readonly name: 'min' | 'h' | 'd';
	readonly hours: number;
	readonly most: number;
} {
	const most = Math.max(1e-3, ...said.map(({ median, high }) => Math.min(high, 2.5 * median)));
	if (most < 2) return { name: 'min', hours: 1 / 60, most };
	return most < 72 ? { name: 'h', hours: 1, most } : { name: 'd', hours: 24, most };
}

/** What was said of the remaining life, against when it was said; a good prognosis falls evenly and its band narrows. */
export function layOutLife(said: readonly EarlierPrognosis[], box: Box, since?: EpochMs): LifePlot {
	const from = said[0]?.time ?? 0;
	const to = said.at(-1)?.time ?? 1;
	const { hours, most } = lifeUnit(said);
	const x = scaleTime([from, Math.max(to, from + 1)], [0, box.width]);
	const y = scaleLinear([0, most / hours], [box.height, 0]).nice(4);
	const clamp = (value: number) => Math.max(0, Math.min(y.domain()[1]!, value / hours));
	return {
		band:
			area<EarlierPrognosis>()
				.x(({ time }) => round(x(time)))
				.y0(({ low }) => round(y(clamp(low))))
				.y1(({ high }) => round(y(clamp(high))))(said) ?? '',
		median:
			line<EarlierPrognosis>()
				.x(({ time }) => round(x(time)))
				.y(({ median }) => round(y(clamp(median))))(said) ?? '',
		xTicks: timeTicks(from, to, box.width).map(({ time, label }) => ({ at: round(x(time)), label })),
		yTicks: y.ticks(4).map((value) => ({ at: round(y(value)), label: String(value) })),
		...(since !== undefined && since > from && since < to && { sinceX: round(x(since)) })
	};
}
