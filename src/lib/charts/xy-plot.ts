/**
 * Lines, bands and points over two plain number axes. In: points in their own units and a box in pixels. Out: scales with labelled
 * ticks, and paths to draw. Values outside the y domain are held at its edge.
 */
import { area, line, scaleLinear, scaleLog } from 'd3';

export interface Box {
	readonly width: number;
	readonly height: number;
}

export interface AxisTick {
	readonly at: number;
	readonly label: string;
}

export interface XyScales {
	readonly x: (value: number) => number;
	readonly y: (value: number) => number;
	readonly xTicks: readonly AxisTick[];
	readonly yTicks: readonly AxisTick[];
}

export interface XyDomain {
	readonly x: readonly [from: number, to: number];
	readonly y: readonly [from: number, to: number];
	readonly xLog?: boolean;
	readonly xLabel?: (value: number) => string;
	readonly yLabel?: (value: number) => string;
}

const round = (value: number) => Math.round(value * 10) / 10;

export function xyScales({ x: xs, y: ys, xLog, xLabel = String, yLabel = String }: XyDomain, box: Box): XyScales {
	const x = (xLog ? scaleLog() : scaleLinear()).domain([...xs]).range([0, box.width]);
	const y = scaleLinear([...ys], [box.height, 0]).nice(4);
	const [low, high] = y.domain() as [number, number];
	return {
		x: (value) => round(x(value)),
		y: (value) => round(y(Math.max(low, Math.min(high, value)))),
		xTicks: x
			.ticks(Math.max(2, Math.floor(box.width / 90)))
			.map((value) => ({ at: round(x(value)), label: xLabel(value) })),
		yTicks: y.ticks(4).map((value) => ({ at: round(y(value)), label: yLabel(value) }))
	};
}

export function linePath<T>(
	{ x, y }: XyScales,
	points: readonly T[],
	at: (point: T) => readonly [number, number]
): string {
	return (
		line<T>()
			.defined((point) => at(point).every(Number.isFinite))
			.x((point) => x(at(point)[0]))
			.y((point) => y(at(point)[1]))(points) ?? ''
	);
}

export function bandPath<T>(
	{ x, y }: XyScales,
	points: readonly T[],
	at: (point: T) => readonly [x: number, low: number, high: number]
): string {
	return (
		area<T>()
			.x((point) => x(at(point)[0]))
			.y0((point) => y(at(point)[1]))
			.y1((point) => y(at(point)[2]))(points) ?? ''
	);
}
