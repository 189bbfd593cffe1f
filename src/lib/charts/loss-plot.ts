/**
 * The loss of a training over its epochs, as lines to draw. In: the loss curve and the floor. Out: scales, ticks and paths.
 * The losses fall by orders of magnitude, so the scale is logarithmic.
 */
import { line, scaleLinear, scaleLog, ticks } from 'd3';
import { formatValue } from '../words';

export interface LossPoint {
	readonly epoch: number;
	readonly train: number;
	readonly validation: number;
}

export interface LossPlot {
	readonly train: string;
	readonly validation: string;
	/** Height of the floor, pixels; undefined when there is none. */
	readonly floor: number | undefined;
	/** The epoch whose weights are kept: the one with the smallest error on data kept back. */
	readonly best: { readonly x: number; readonly validation: number } | undefined;
	readonly xTicks: readonly { readonly x: number; readonly label: string }[];
	readonly yTicks: readonly { readonly y: number; readonly label: string }[];
}

export function layOutLoss(
	curve: readonly LossPoint[],
	floor: number | undefined,
	maxEpochs: number,
	box: { readonly width: number; readonly height: number }
): LossPlot {
	const losses = [
		...curve.flatMap((point) => [point.train, point.validation]),
		...(floor === undefined ? [] : [floor])
	];
	const positive = losses.filter((loss) => Number.isFinite(loss) && loss > 0);
	const low = positive.length > 0 ? Math.min(...positive) : 0.1;
	const high = positive.length > 0 ? Math.max(...positive) : 1;
	const firstEpoch = curve[0]?.epoch ?? 1;
	const lastEpoch = Math.max(curve.at(-1)?.epoch ?? 1, maxEpochs, firstEpoch + 1);
	const x = scaleLinear([firstEpoch, lastEpoch], [0, box.width]);
	const y = scaleLog([low / 1.15, high * 1.15], [box.height, 0]);
	const path = (key: 'train' | 'validation') =>
		line<LossPoint>()
			.defined((point) => point[key] > 0 && Number.isFinite(point[key]))
			.x((point) => round(x(point.epoch)))
			.y((point) => round(y(point[key])))(curve) ?? '';
	const best = curve
		.filter((point) => point.validation > 0)
		.reduce<LossPoint | undefined>(
			(least, point) => (least && least.validation <= point.validation ? least : point),
			undefined
		);
	return {
		train: path('train'),
		validation: path('validation'),
		floor: floor !== undefined && floor > 0 ? round(y(floor)) : undefined,
		best: best && { x: round(x(best.epoch)), validation: round(y(best.validation)) },
		xTicks: wholeTicks(x.ticks(Math.max(2, Math.floor(box.width / 90)))).map((epoch) => ({
			x: round(x(epoch)),
			label: String(epoch)
		})),
		yTicks: logTicks(y.domain() as [number, number], Math.max(2, Math.floor(box.height / 40))).map((loss) => ({
			y: round(y(loss)),
			label: formatLoss(loss)
		}))
	};
}

/** Losses span decades: two significant digits, whatever the size. */
export function formatLoss(loss: number): string {
	if (!Number.isFinite(loss)) return formatValue(undefined);
	return loss >= 0.001 ? String(Number(loss.toPrecision(2))) : loss.toExponential(1);
}

const wholeTicks = (values: readonly number[]) => values.filter(Number.isInteger);

/** Ticks at 1, 2 and 5 times powers of ten; over less than half a decade, where those are too few, at round values. */
function logTicks([low, high]: readonly [number, number], most: number): number[] {
	const all = [];
	for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++)
		for (const digit of [1, 2, 5]) all.push(Number((digit * 10 ** exponent).toPrecision(1)));
	const inside = all.filter((tick) => tick >= low && tick <= high);
	if (inside.length < 2) return ticks(low, high, most).filter((tick) => tick > 0);
	const stride = Math.ceil(inside.length / most);
	return inside.filter((_, i) => i % stride === 0);
}

const round = (value: number) => Math.round(value * 10) / 10;
