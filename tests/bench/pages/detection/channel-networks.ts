/**
 * Benchmark of detection: one channel judged by the networks that the page would train on its normal running.
 *
 * In: values of normal running, later values. Out: by member of the vote, and by the vote, the sequences whose errors stand out by the dynamic threshold, all by that one
 * rule; and where the vote would have stood at an anomaly live.
 */
import { MillwrightError, type MemberName, type ModelPackage } from '$lib/contracts';
import { memberRows, outstandingErrors, Predictor, publishedWindowRows, smoothErrors } from '$lib/detection';
import { scaleRow, type AlignedRow } from '$lib/manipulation';
import type { Engine } from '$lib/neural';
import { judgeWith, trainEnsemble } from '$lib/training';

export type Sequence = [from: number, to: number];

export interface NetworkAnswer {
	/** `predictor`, `autoencoder`, `vae`, `levels`, `vote` by the dynamic threshold; `live_vote` as machines are judged. */
	readonly found: Record<string, Sequence[]>;
	/** Of each member in the vote. */
	readonly weights: Record<string, number>;
	readonly trainSeconds: number;
	readonly scoreSeconds: number;
}

/** By the literature about a minute; nothing here depends on it. */
const stepMs = 60_000;
const sensorName = 'value';
/** Smoothed errors below this share of the channel's usual range (5th to 95th percentile) are too small to matter. */
const leastShareOfRange = 0.05;
/** Errors are not taken for smaller, in deviations of training: one member that happens to be right does not silence the others. */
const leastLoggedError = 1e-3;

export async function judgeByNetworks(
	engine: Engine,
	name: string,
	normal: readonly number[],
	later: readonly number[],
	job: { readonly seed: number; readonly maxEpochs: number }
): Promise<NetworkAnswer> {
	const begin = performance.now();
	const training = rowsOf(normal, 0);
	const model = await trainEnsemble(
		engine,
		{ sensorNames: [sensorName], kinds: ['other'], stepMs, recordings: [training] },
		{
			...job,
			id: name,
			target: { machineId: name },
			origin: 'trained-here',
			createdAt: 0,
			description: `${normal.length} values of ${name}`
		}
	);
	const trained = performance.now();
	const members = model.version.ensemble?.members;
	if (!members) throw new MillwrightError('not-enough-data', `${name} has too few values for a vote`);
	const rows = rowsOf(later, normal.length);
	const errors = memberErrors(engine, model, rows);
	const sorted = Float64Array.from(later).sort();
	const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
	const leastError = (leastShareOfRange * (at(0.95) - at(0.05))) / model.version.scaler.deviation[0]!;
	const outstanding = (smoothed: Float64Array) =>
		outstandingErrors(smoothed, { windowRows: publishedWindowRows, leastError }).map(({ from, to }): Sequence => [
			from,
			to
		]);
	const smoothed = members.map(({ name: member, weight }) => ({
		member,
		weight,
		errors: smoothErrors(errors.get(member) ?? new Float64Array(later.length).fill(Number.NaN))
	}));
	const total = members.reduce((sum, { weight }) => sum + weight, 0);
	const vote = Float64Array.from(later, (_, r) =>
		Math.exp(
			smoothed.reduce(
				(sum, { weight, errors: own }) => sum + weight * Math.log(Math.max(leastLoggedError, own[r]!)),
				0
			) / total
		)
	);
	const { rows: live } = judgeWith(engine, model, { name, rows });
	return {
		found: {
			...Object.fromEntries(smoothed.map(({ member, errors: own }) => [member, outstanding(own)])),
			vote: outstanding(vote),
			live_vote: runsOf(live.map(({ anomalous }) => anomalous))
		},
		weights: Object.fromEntries(members.map(({ name: member, weight }) => [member, Number(weight.toFixed(2))])),
		trainSeconds: (trained - begin) / 1000,
		scoreSeconds: (performance.now() - trained) / 1000
	};
}

/** How far each row was from what each member made of it, in deviations of training; NaN where it made nothing of it. */
function memberErrors(engine: Engine, pkg: ModelPackage, rows: readonly AlignedRow[]): Map<MemberName, Float64Array> {
	const { scaler, calibration } = pkg.version;
	const predictor = new Predictor(engine, pkg, 1);
	const errors = new Map<MemberName, Float64Array>();
	const put = (name: MemberName, r: number, residual: number) => {
		if (!errors.has(name)) errors.set(name, new Float64Array(rows.length).fill(Number.NaN));
		errors.get(name)![r] = Math.abs(residual);
	};
	const scaled = new Float32Array(1);
	try {
		rows.forEach(({ values }, r) => {
			scaleRow(scaler, values, scaled);
			const prediction = predictor.expectedOf(sensorName);
			// Of the newest rows before this one.
			for (const [name, list] of Object.entries(predictor.takeReconstruction(sensorName) ?? {}))
				list.forEach((row, k) => put(name as MemberName, r - list.length + k, row[0]!));
			if (prediction && r >= (calibration.warmUpSteps ?? 0)) {
				const own = memberRows(values, scaled, prediction);
				put('levels', r, own.levels[0]!);
				put('predictor', r, own.predictor[0]!);
			}
			predictor.step([sensorName], [scaled.map((value) => Math.max(-8, Math.min(8, value)))]);
		});
	} finally {
		predictor.dispose();
	}
	return errors;
}

function rowsOf(values: readonly number[], first: number): AlignedRow[] {
	return values.map((value, r) => ({
		time: (first + r) * stepMs,
		values: Float32Array.of(value),
		breakBefore: r === 0
	}));
}

function runsOf(flags: readonly boolean[]): Sequence[] {
	const runs: Sequence[] = [];
	flags.forEach((flag, r) => {
		if (!flag) return;
		const last = runs.at(-1);
		if (last && last[1] === r - 1) last[1] = r;
		else runs.push([r, r]);
	});
	return runs;
}
