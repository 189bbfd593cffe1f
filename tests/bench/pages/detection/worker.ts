/**
 * Benchmark of detection, the part in the browser: the product's own training and scoring on recordings that the page hands over.
 */
import type { SensorKind } from '$lib/contracts';
import { allowance, anomalySequences, findAgainstBeginning, noveltyOf, scoreAgainstNormal } from '$lib/detection';
import { Resampler } from '$lib/manipulation';
import { startEngine, type Engine } from '$lib/neural';
import { afterTraining, judgeRecording, judgeWith, type JudgedRow } from '$lib/training';
import { ewmaChart, hotelling, isolationForest, movingMahalanobis, type RowDetector } from '$lib/detection/statistical';
import { answerCalls } from '../answer-calls';
import { judgeByNetworks, type NetworkAnswer, type Sequence } from './channel-networks';

export interface RecordingRequest {
	readonly name: string;
	readonly sensorNames: readonly string[];
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	/** Of each row, epoch ms. */
	readonly times: readonly number[];
	/** Row-major [rows, sensors]. */
	readonly values: readonly number[];
	readonly trainRows: number;
	readonly seed: number;
	readonly maxEpochs: number;
}

export interface RecordingAnswer {
	/** 0 or 1 per row after the training part, by detector. */
	readonly flags: Record<string, number[]>;
	readonly trainSeconds: number;
	readonly scoreSeconds: number;
	readonly backend: string;
}

export interface ChannelAnswer {
	/** Rows of the judged part, first and last, by detector. Of the range watch: `merged_n` with findings joined over n rows; `narrow` with settings for
	 * short findings; `search` as a look into a recording lists them. */
	readonly found: Record<
		'range_watch' | 'merged_100' | 'merged_400' | 'narrow' | 'search' | 'three_sigma' | 'outside_training',
		Sequence[]
	>;
}

/**
 * One setting for every channel. Joining, and the watch's allowance, are the best by overlap counting on faults invented in training parts (`--choose`), where pruning decides nothing:
 * its share is the published one.
 */
const channelSequences = { mergeRows: 800, leastShare: 0.13 };

/** Best on the same invented faults where a finding has to be a fault for a third of its rows. */
const narrow = { allowance: 0.5, mergeRows: 20, leastShare: 0.4 };

let engine: Promise<Engine> | undefined;

const tasks = {
	async recording(request: RecordingRequest): Promise<RecordingAnswer> {
		engine ??= startEngine({ purpose: 'training' });
		const running = await engine;
		const { sensorNames, kinds, stepMs, times, values, trainRows } = request;
		const sensors = sensorNames.length;
		const resampler = new Resampler({ sensorNames, stepMs });
		times.forEach((time, r) => {
			for (let i = 0; i < sensors; i++) resampler.push(i, time, values[r * sensors + i]!, 0);
		});
		resampler.flush();
		const recording = { name: request.name, sensorNames, kinds, stepMs, rows: resampler.take() };
		const before = performance.now();
		const judged = await judgeRecording(running, recording, times[trainRows - 1]!, request);
		const after = performance.now();
		const tested = afterTraining(recording, times[trainRows - 1]!);
		const flags: Record<string, number[]> = { ensemble: onRows(judged.rows, times, trainRows) };
		for (const { name } of judged.model.version.ensemble?.members ?? [])
			flags[name] = onRows(judgeWith(running, judged.model, tested, [name]).rows, times, trainRows);
		Object.assign(flags, floorsOf(values, sensors, trainRows, request.seed));
		return {
			flags,
			trainSeconds: judged.trainSeconds,
			scoreSeconds: (after - before) / 1000 - judged.trainSeconds,
			backend: running.report.backend
		};
	},

	/** One channel: what its normal running showed, then each later value. */
	channel(normal: readonly number[], later: readonly number[]): ChannelAnswer {
		const mean = normal.reduce((sum, value) => sum + value, 0) / normal.length;
		const deviation = Math.sqrt(normal.reduce((sum, value) => sum + (value - mean) ** 2, 0) / normal.length) || 1e-6;
		const lowest = normal.reduce((least, value) => Math.min(least, value), Infinity);
		const highest = normal.reduce((most, value) => Math.max(most, value), -Infinity);
		const scores = {
			range_watch: scoreAgainstNormal(normal, later),
			three_sigma: later.map((value) => Math.abs(value - mean) / deviation / 3),
			outside_training: later.map((value) => (value > highest || value < lowest ? 2 : 0))
		};
		const sequences = (all: readonly number[], mergeRows = channelSequences.mergeRows) =>
			anomalySequences(all, { ...channelSequences, mergeRows }).map(({ from, to }): Sequence => [from, to]);
		const narrowly = anomalySequences(
			scores.range_watch.map((score) => (score * allowance) / narrow.allowance),
			narrow
		);
		const search = findAgainstBeginning([...normal, ...later], normal.length);
		return {
			found: {
				range_watch: sequences(scores.range_watch),
				merged_100: sequences(scores.range_watch, 100),
				merged_400: sequences(scores.range_watch, 400),
				narrow: narrowly.map(({ from, to }) => [from, to]),
				search: search.map(({ from, to }) => [from - normal.length, to - normal.length]),
				three_sigma: sequences(scores.three_sigma),
				outside_training: sequences(scores.outside_training)
			}
		};
	},

	/** The same by the networks that the page trains, each by itself and their vote. */
	async channelNetworks(
		name: string,
		normal: readonly number[],
		later: readonly number[],
		job: { readonly seed: number; readonly maxEpochs: number }
	): Promise<NetworkAnswer> {
		engine ??= startEngine({ purpose: 'training' });
		return judgeByNetworks(await engine, name, normal, later, job);
	},

	/** A single stream, value by value: each one's novelty, as a number between 0 and 1. */
	stream(values: readonly number[]): { scores: number[] } {
		return { scores: noveltyOf(values).map((novelty) => novelty / (1 + novelty)) };
	}
};

/** The verdict that stood at each of the recording's own times. */
function onRows(rows: readonly JudgedRow[], times: readonly number[], from: number): number[] {
	const flags: number[] = [];
	let at = 0;
	for (let r = 0; r < times.length; r++) {
		while (at + 1 < rows.length && rows[at + 1]!.time <= times[r]!) at++;
		if (r >= from) flags.push(rows[at]?.anomalous ? 1 : 0);
	}
	return flags;
}

function floorsOf(
	values: readonly number[],
	sensors: number,
	trainRows: number,
	seed: number
): Record<string, number[]> {
	const normal = { values: values.slice(0, trainRows * sensors), sensors };
	const floors: Record<string, RowDetector> = {
		ewma: ewmaChart(normal),
		mahalanobis: movingMahalanobis(normal),
		t2q: hotelling(normal),
		isolation_forest: isolationForest(normal, seed)
	};
	const rows = values.length / sensors;
	return Object.fromEntries(
		Object.entries(floors).map(([name, detector]) => {
			const flags: number[] = [];
			for (let r = 0; r < rows; r++) {
				const score = detector(values.slice(r * sensors, (r + 1) * sensors));
				if (r >= trainRows) flags.push(score > 1 ? 1 : 0);
			}
			return [name, flags];
		})
	);
}

answerCalls(tasks);
