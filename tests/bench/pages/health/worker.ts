/**
 * Benchmark of features, fault classifier and level watch, the part in the browser: the product's own code on recordings
 * fetched as float64 columns. Labels come as numbers beside the data and are used for learning on training folds and for counting.
 */
import { RiseWatch } from '$lib/detection/recordings/rise-watch';
import { classifyFault, factorise, ScatterSums, substitute, trainFaultClassifier } from '$lib/health';
import { extractCycleFeatures, extractFeatures } from '$lib/manipulation/features';
import { answerCalls } from '../answer-calls';

interface Examples {
	readonly rows: readonly Float64Array[];
	readonly featureIds: readonly string[];
}

/** Feature sets made so far, by name: several protocols on the same examples. */
const kept = new Map<string, Examples>();

async function columnsOf(url: string, columns: number): Promise<Float64Array[]> {
	const values = new Float64Array(await (await fetch(url)).arrayBuffer());
	const length = values.length / columns;
	return Array.from({ length: columns }, (_, c) => values.subarray(c * length, (c + 1) * length));
}

/** Number of the likeliest class by one-against-rest ridge regression on standardised features: the linear floor. */
function ridgeClasses(
	train: readonly Float64Array[],
	labels: readonly number[],
	test: readonly Float64Array[],
	lambda = 10
): number[] {
	const classes = Math.max(...labels) + 1;
	const width = train[0]!.length;
	const mean = new Float64Array(width);
	const scale = new Float64Array(width);
	for (const row of train) row.forEach((value, i) => (mean[i]! += value / train.length));
	for (const row of train) row.forEach((value, i) => (scale[i]! += (value - mean[i]!) ** 2 / train.length));
	const standard = (row: Float64Array) =>
		row.map((value, i) => (scale[i]! > 0 ? (value - mean[i]!) / Math.sqrt(scale[i]!) : 0));
	const sums = new ScatterSums(classes, width);
	const shares = new Float64Array(classes);
	train.forEach((row, i) => {
		sums.add(standard(row), labels[i]!);
		shares[labels[i]!]! += 1 / train.length;
	});
	for (let i = 0; i < width; i++) sums.products[i * width + i]! += lambda;
	factorise(sums.products, width);
	// Targets are +1 for the class and -1 for the rest: sums over the class count twice, of standardised rows all sum to 0.
	const weights = Array.from({ length: classes }, (_, c) => {
		const right = sums.sums.slice(c * width, (c + 1) * width).map((value) => 2 * value);
		substitute(sums.products, width, right);
		return right;
	});
	return test.map((row) => {
		const scaled = standard(row);
		const values = weights.map((weight, c) =>
			scaled.reduce((sum, value, i) => sum + value * weight[i]!, 2 * shares[c]! - 1)
		);
		return values.indexOf(Math.max(...values));
	});
}

const tasks = {
	/** Windows of a recording's channels to the whole catalogue per channel. Returns how many windows. */
	async windowFeatures(name: string, urls: readonly string[], channels: number, window: number) {
		const rows: Float64Array[] = [];
		const from: number[] = [];
		for (const [record, url] of urls.entries()) {
			const columns = await columnsOf(url, channels);
			for (let at = 0; at + window <= columns[0]!.length; at += window) {
				rows.push(
					Float64Array.from(columns.flatMap((column) => [...extractFeatures(column.subarray(at, at + window))]))
				);
				from.push(record);
			}
		}
		kept.set(name, { rows, featureIds: rows[0]!.length ? Array.from(rows[0]!, (_, i) => `f${i}`) : [] });
		return from;
	},

	/** Cycles of several sensors, [cycles][samples] each, to the cycle features of each. */
	async cycleFeatures(name: string, urls: readonly string[], cycles: number) {
		const parts: Float64Array[][] = [];
		for (const url of urls) {
			const values = new Float64Array(await (await fetch(url)).arrayBuffer());
			const length = values.length / cycles;
			parts.push(
				Array.from({ length: cycles }, (_, i) => extractCycleFeatures(values.subarray(i * length, (i + 1) * length)))
			);
		}
		const rows = Array.from({ length: cycles }, (_, i) => Float64Array.from(parts.flatMap((part) => [...part[i]!])));
		kept.set(name, { rows, featureIds: Array.from(rows[0]!, (_, i) => `f${i}`) });
		return rows[0]!.length;
	},

	/** Keeps only some rows of a feature set under another name. */
	subset(name: string, from: string, indices: readonly number[]) {
		const { rows, featureIds } = kept.get(from)!;
		kept.set(name, { rows: indices.map((i) => rows[i]!), featureIds });
	},

	/** Learns on the rows outside each fold, names those inside: shares named rightly by the classifier and by the linear floor. */
	foldAccuracy(
		name: string,
		labels: readonly number[],
		folds: readonly number[],
		groups: readonly number[],
		floorOnly?: readonly number[]
	) {
		const { rows, featureIds } = kept.get(name)!;
		const names = [...new Set(folds)].sort((a, b) => a - b);
		let [right, floor, floorLevels] = [0, 0, 0];
		const chosen: number[] = [];
		const perFold: number[] = [];
		let trainMs = 0;
		for (const fold of names) {
			const inside = rows.map((_, i) => i).filter((i) => folds[i] === fold);
			const outside = rows.map((_, i) => i).filter((i) => folds[i] !== fold);
			const begin = performance.now();
			const model = trainFaultClassifier({
				featureIds,
				rows: outside.map((i) => rows[i]!),
				conditions: outside.map((i) => String(labels[i])),
				groups: outside.map((i) => groups[i]!)
			});
			trainMs += performance.now() - begin;
			chosen.push(model.shrinkage);
			const hits = inside.filter((i) => classifyFault(model, rows[i]!).condition === String(labels[i])).length;
			perFold.push(hits / inside.length);
			right += hits;
			const outsideLabels = outside.map((i) => labels[i]!);
			const ridge = ridgeClasses(
				outside.map((i) => rows[i]!),
				outsideLabels,
				inside.map((i) => rows[i]!)
			);
			floor += ridge.filter((label, k) => label === labels[inside[k]!]).length;
			if (floorOnly) {
				const few = (i: number) => Float64Array.from(floorOnly, (column) => rows[i]![column]!);
				const levels = ridgeClasses(outside.map(few), outsideLabels, inside.map(few));
				floorLevels += levels.filter((label, k) => label === labels[inside[k]!]).length;
			}
		}
		const n = rows.length;
		return {
			accuracy: right / n,
			ridge: floor / n,
			ridgeFew: floorOnly ? floorLevels / n : undefined,
			perFold,
			chosen,
			trainMs
		};
	},

	/** Level watch over a run to failure, and a 3-sigma rule with the same persistence: rows at which a warning begins. */
	async watch(url: string, channels: number, trainingShare: number) {
		const columns = await columnsOf(url, channels);
		const count = columns[0]!.length;
		const rows = Array.from({ length: count }, (_, i) => columns.map((column) => column[i]!));
		const trained = Math.floor(count * trainingShare);
		const begin = performance.now();
		const watch = new RiseWatch(rows.slice(0, trained));
		const warnings: { row: number; channel: number }[] = [];
		let before = false;
		let lastRunning = trained;
		for (let i = trained; i < count; i++) {
			const state = watch.observe(i, rows[i]!);
			if (Number.isNaN(state.score)) continue;
			lastRunning = i;
			if (state.warning && !before) warnings.push({ row: i, channel: state.channel });
			before = state.warning;
		}
		const ms = performance.now() - begin;
		const sigma: number[] = [];
		columns.forEach((column) => {
			const part = column.subarray(0, trained);
			const mean = part.reduce((a, b) => a + b, 0) / trained;
			const limit = mean + 3 * Math.sqrt(part.reduce((a, b) => a + (b - mean) ** 2, 0) / trained);
			let lasting = 0;
			for (let i = trained; i <= lastRunning; i++) {
				lasting = column[i]! > limit ? lasting + 1 : 0;
				if (lasting === 5) sigma.push(i);
			}
		});
		return { warnings, sigma: sigma.sort((a, b) => a - b), lastRunning, trained, rows: count, ms };
	}
};

export type HealthBench = typeof tasks;

answerCalls(tasks);
