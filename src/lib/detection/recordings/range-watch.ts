/**
 * State Detection: a single channel against all that its normal running showed.
 *
 * In: values of normal running, then values one by one. Out: how far the newest value, its step, its means and its unrest over several windows
 * lie outside the range that each of them had in normal running, over a fiftieth of that range. No model and no season: what a
 * channel does is compared with everything it is known to do, at each pace.
 */
import { MillwrightError } from '../../contracts';

const meanWindows = [1, 10, 50, 200];
const unrestWindows = [20, 100, 300];
/** Share of the usual range by which normal running may be left: a finding is beyond it. Chosen on invented faults (`bench:smap --choose`). */
export const allowance = 0.02;
/** Channels that hardly move: a range below this, in the channel's units of -1 to 1, is taken as this. */
const leastRange = 0.02;
/** A statistic seen less often than this in normal running is left out. */
const leastSeen = 20;

export const leastRangeRows = 50;

interface SeenRange {
	readonly lowest: number;
	readonly highest: number;
	readonly usual: number;
}

export class RangeWatch {
	private readonly seen: readonly (SeenRange | undefined)[];
	private statistics = new ChannelStatistics();

	/**
	 * @param normal values in time order, scaled to about -1 to 1
	 * @throws MillwrightError `not-enough-data` with fewer than 50
	 */
	constructor(normal: ArrayLike<number>) {
		if (normal.length < leastRangeRows)
			throw new MillwrightError(
				'not-enough-data',
				`A channel needs ${leastRangeRows} values of normal running to be watched; there are ${normal.length}`
			);
		const columns: number[][] = statisticNames.map(() => []);
		for (let r = 0; r < normal.length; r++)
			this.statistics.take(normal[r]!).forEach((value, s) => {
				if (!Number.isNaN(value)) columns[s]!.push(value);
			});
		this.seen = columns.map((values) => (values.length < leastSeen ? undefined : rangeOf(values)));
	}

	/** Starts another stretch: windows do not reach over a gap. */
	forgetRows(): void {
		this.statistics = new ChannelStatistics();
	}

	/** Takes the next value; 1 is the allowance, 0 inside everything seen. */
	observe(value: number): number {
		let most = 0;
		this.statistics.take(value).forEach((now, s) => {
			const seen = this.seen[s];
			if (!seen || Number.isNaN(now)) return;
			most = Math.max(most, (now - seen.highest) / seen.usual, (seen.lowest - now) / seen.usual);
		});
		return most / allowance;
	}
}

const statisticNames = [
	...meanWindows.map((rows) => `mean ${rows}`),
	...unrestWindows.map((rows) => `unrest ${rows}`),
	'step'
];

/** Means, standard deviations and the last step of one channel; NaN while a window fills. */
class ChannelStatistics {
	private readonly ring = new Float64Array(Math.max(...meanWindows, ...unrestWindows));
	private readonly sums = new Float64Array(meanWindows.length);
	private readonly unrestSums = new Float64Array(unrestWindows.length);
	private readonly unrestSquares = new Float64Array(unrestWindows.length);
	private count = 0;

	take(value: number): number[] {
		const { ring } = this;
		const ago = (rows: number) => (this.count < rows ? 0 : ring[(this.count - rows) % ring.length]!);
		const step = this.count === 0 ? Number.NaN : Math.abs(value - ago(1));
		meanWindows.forEach((rows, w) => (this.sums[w]! += value - ago(rows)));
		unrestWindows.forEach((rows, w) => {
			const gone = ago(rows);
			this.unrestSums[w]! += value - gone;
			this.unrestSquares[w]! += value * value - gone * gone;
		});
		ring[this.count % ring.length] = value;
		this.count++;
		const full = (rows: number) => this.count >= rows;
		return [
			...meanWindows.map((rows, w) => (full(rows) ? this.sums[w]! / rows : Number.NaN)),
			...unrestWindows.map((rows, w) => {
				if (!full(rows)) return Number.NaN;
				const mean = this.unrestSums[w]! / rows;
				return Math.sqrt(Math.max(0, this.unrestSquares[w]! / rows - mean * mean));
			}),
			step
		];
	}
}

function rangeOf(values: number[]): SeenRange {
	values.sort((a, b) => a - b);
	const at = (share: number) => values[Math.round(share * (values.length - 1))]!;
	const whole = at(1) - at(0);
	return { lowest: at(0), highest: at(1), usual: Math.max(at(0.99) - at(0.01), whole / 2, leastRange) };
}
