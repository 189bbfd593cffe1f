/**
 * State Detection: how the sensors of one machine go with each other, learnt from its running.
 *
 * In: stretches of scaled rows with which of them are judged. Out: moments of the terms, and per sensor how far the mean of a minute of rows
 * lay from what the others said, on parts of the running that the regression had not seen (five folds of neighbouring rows).
 */
import { relationRows, type RelationCalibration } from '../../contracts';
import { RelationTerms, SensorRegression, momentsOf, termKinds } from './relation-terms';

const slowSmoothing = 1 / 300;
/** Rows are taken in means of so many; what lasts shorter is of no interest. */
const blockRows = 10;
const folds = 5;
const leastThreshold = 0.02;
/** Slow means are used where they bring the mean square of what is missed on unseen running below this share. */
const lagGain = 0.7;
/**
 * Thresholds are this many times the largest seen: normal running goes on to where it has not been, the less the longer it has been seen. Over
 * three times after two hours of rows a second, over twice after four; chosen on simulated machines of all classes, where twice after two hours gave
 * nearly all of their false alarms in the two hours that followed. Modes take their time whatever the rate of rows; few rows say little by
 * themselves.
 */
const margin = (rows: number, stepMs: number) => 1.25 + Math.max((4 * 3_600_000) / (rows * stepMs), 2_000 / rows);

export interface RelationStretch {
	/** Row-major [rows, sensors], scaled, without NaN. */
	readonly scaled: Float32Array;
	/** [rows] 1: the row is judged, 0: it only moves the slow means. */
	readonly judged: Uint8Array;
	/** Largest share of a quarter of an hour that the machine had stood before a judged row. */
	readonly standing: number;
}

/** `stretches` need some hundred judged rows in all. */
export function learnRelations(
	stretches: readonly RelationStretch[],
	sensors: number,
	stepMs: number,
	/** [sensors] true: it follows others within minutes, as temperatures do. */
	heat: readonly boolean[]
): RelationCalibration {
	const blocks = stretches.flatMap((stretch) => collectBlocks(stretch, sensors));
	const size = termKinds * sensors;
	const moments = momentsOf(blocks, size);
	const foldOf = (b: number) => Math.min(folds - 1, Math.floor((b * folds) / blocks.length));
	const unseen = Array.from({ length: folds }, (_, f) =>
		momentsOf(
			blocks.filter((_, b) => foldOf(b) !== f),
			size
		)
	);
	const leverage: number[] = [];
	const threshold: number[] = [];
	const lagging: boolean[] = [];
	const rows = blocks.length * blockRows;
	const window = relationRows / blockRows;
	for (let i = 0; i < sensors; i++) {
		const own = (termKinds - 1) * sensors + i;
		const missedBy = (without?: readonly boolean[]) => {
			const regressions = unseen.map((part) => new SensorRegression(i, sensors, part, without));
			return movingMeans(
				blocks.map((block, b) => block[own]! - regressions[foldOf(b)]!.expect(block)),
				window
			);
		};
		const prompt = missedBy(heat);
		const slow = missedBy();
		const lags = meanSquare(slow) < lagGain * meanSquare(prompt);
		lagging.push(lags);
		const whole = new SensorRegression(i, sensors, moments, lags ? undefined : heat);
		const leverages = Float64Array.from(blocks, (block) => whole.leverage(block)).sort();
		leverage.push(leverages[Math.floor(leverages.length * 0.99)]!);
		const most = (lags ? slow : prompt).reduce((largest, mean) => Math.max(largest, Math.abs(mean)), leastThreshold);
		threshold.push(most * margin(rows, stepMs));
	}
	const standing = Math.max(0, ...stretches.map((stretch) => stretch.standing));
	return {
		slowSmoothing,
		mean: [...moments.mean],
		moment: [...moments.moment],
		leverage,
		threshold,
		lagging,
		heat: [...heat],
		standing,
		rows
	};
}

/** Means of every `window` neighbours. */
function movingMeans(values: readonly number[], window: number): number[] {
	let sum = 0;
	return values.flatMap((value, at) => {
		sum += value - (at >= window ? values[at - window]! : 0);
		return at >= window - 1 ? [sum / window] : [];
	});
}

function meanSquare(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length);
}

function collectBlocks({ scaled, judged }: RelationStretch, sensors: number): Float64Array[] {
	const terms = new RelationTerms(sensors, slowSmoothing);
	const blocks: Float64Array[] = [];
	let block = new Float64Array(termKinds * sensors);
	let count = 0;
	for (let r = 0; r < judged.length; r++) {
		terms.take(scaled.subarray(r * sensors, (r + 1) * sensors));
		if (!judged[r]) continue;
		for (let k = 0; k < block.length; k++) block[k]! += terms.values[k]! / blockRows;
		if (++count < blockRows) continue;
		blocks.push(block);
		block = new Float64Array(block.length);
		count = 0;
	}
	return blocks;
}
