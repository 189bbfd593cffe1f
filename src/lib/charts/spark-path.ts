/**
 * The path of a sparkline. In: points and a box. Out: SVG path data, broken where points are missing.
 */
import { line } from 'd3';

export interface Point {
	readonly time: number;
	readonly value: number;
}

/** A line over [from, to] x domain into width x height; points further apart than `gapMs` are not joined. */
export function sparkPath(
	points: readonly Point[],
	box: {
		readonly width: number;
		readonly height: number;
		readonly from: number;
		readonly to: number;
		readonly domain: readonly [number, number];
		readonly gapMs: number;
	}
): string {
	const { width, height, from, to, domain, gapMs } = box;
	const drawn: (Point | undefined)[] = [];
	for (const point of points) {
		if (point.time < from || point.time > to) continue;
		const last = drawn.at(-1);
		if (last && point.time - last.time > gapMs) drawn.push(undefined);
		drawn.push(point);
	}
	const path = line<Point | undefined>()
		.defined((point) => point !== undefined && Number.isFinite(point.value))
		.x((point) => round(((point!.time - from) / (to - from)) * width))
		.y((point) => round(height - ((clamp(point!.value, domain) - domain[0]) / (domain[1] - domain[0])) * height));
	return path(drawn) ?? '';
}

const round = (value: number) => Math.round(value * 10) / 10;
const clamp = (value: number, [low, high]: readonly [number, number]) => Math.min(high, Math.max(low, value));
