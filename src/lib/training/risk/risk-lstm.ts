/**
 * Training: failure probability by an LSTM. In: the rows to learn from, and those to judge. Out: the network, or what it says of both. An independent row is a
 * sequence of one step; a machine's row is the last of the days before it, the first one repeated where there are too few.
 */
import type { RiskLstm, RiskRequest } from '../../contracts';
import type { Engine, Network } from '../../neural/engine';
import { calibrateProbabilities, lstmWindows, riskLstmSpec } from '../../prognostics';
import { pickRows, type RiskPart } from './risk-folds';

const independent = { units: 24, epochs: 60, batchSize: 64, learningRate: 5e-3 };
/** Thousands of days that are much alike: few passes. */
const sequences = { units: 16, epochs: 10, batchSize: 64, learningRate: 3e-3 };
/** Every fifth machine is kept from learning, for the threshold and the calibration. */
const keptBack = 5;

/** A learnt network on the engine, and rows that it can be judged on. */
interface LearntLstm {
	readonly network: Network;
	readonly mean: Float64Array;
	readonly deviation: Float64Array;
	/** Of machines those kept from learning; else the rows learnt from. */
	readonly judge: RiskPart;
	says(part: RiskPart): Promise<Float32Array>;
}

export async function tellByLstm(
	engine: Engine,
	request: RiskRequest,
	known: RiskPart,
	held: RiskPart,
	seed: number,
	signal?: AbortSignal
): Promise<{ known: Float32Array; knownLabels: Uint8Array; held: Float32Array }> {
	const { network, judge, says } = await learn(engine, request, known, seed, signal);
	try {
		return { known: await says(judge), knownLabels: judge.labels, held: await says(held) };
	} finally {
		network.dispose();
	}
}

/** The LSTM that is kept: with the curve that the judging has, where rows are of machines. */
export async function learnRiskLstm(
	engine: Engine,
	request: RiskRequest,
	known: RiskPart,
	seed: number,
	signal?: AbortSignal
): Promise<RiskLstm> {
	const { network, mean, deviation, judge, says } = await learn(engine, request, known, seed, signal);
	try {
		const curve = request.machines && calibrateProbabilities(await says(judge), judge.labels);
		return {
			mean,
			deviation,
			units: settingOf(request).units,
			steps: request.machines?.steps ?? 1,
			weights: await network.getWeights(),
			...(curve && { curve })
		};
	} finally {
		network.dispose();
	}
}

const settingOf = ({ machines }: RiskRequest) => (machines ? sequences : independent);

/** Failures weigh as they come; the threshold makes up for their rarity. */
async function learn(
	engine: Engine,
	request: RiskRequest,
	known: RiskPart,
	seed: number,
	signal: AbortSignal | undefined
): Promise<LearntLstm> {
	const { machines } = request;
	const features = request.featureNames.length;
	const { units, epochs, batchSize, learningRate } = settingOf(request);
	const order =
		machines && new Map([...new Set(known.places.map((place) => machines.machine[place]!))].map((m, n) => [m, n]));
	// Of a single one nothing can be kept aside.
	const several = order !== undefined && order.size > 1;
	const aside = (place: number) => order!.get(machines!.machine[place]!)! % keptBack === 0;
	const learnt = several ? pickRows(request, (place) => !aside(place), known.places) : known;
	const judge = several ? pickRows(request, aside, known.places) : known;
	const spread = fitSpread(learnt, features);
	const steps = machines?.steps ?? 1;
	const windows = ({ places }: RiskPart) =>
		lstmWindows(spread, steps, request.rows, places, (row) => machines?.machine[row - 1] === machines?.machine[row]);
	const network = engine.createNetwork(riskLstmSpec(features, units), seed);
	try {
		await network.fit(
			{ inputs: windows(learnt), targets: Float32Array.from(learnt.labels), count: learnt.places.length, steps },
			{
				epochs,
				batchSize,
				learningRate,
				learningRateSchedule: { kind: 'cosine', minimum: learningRate / 50 },
				loss: 'binary-crossentropy',
				clipNorm: 1,
				seed,
				signal
			}
		);
	} catch (error) {
		network.dispose();
		throw error;
	}
	return {
		network,
		...spread,
		judge,
		says: (part) => network.predict(windows(part), part.places.length, steps)
	};
}

function fitSpread({ rows, places }: RiskPart, features: number) {
	const mean = new Float64Array(features);
	const deviation = new Float64Array(features);
	const count = places.length;
	for (let i = 0; i < rows.length; i++) mean[i % features]! += rows[i]! / count;
	for (let i = 0; i < rows.length; i++) deviation[i % features]! += (rows[i]! - mean[i % features]!) ** 2 / count;
	return { mean, deviation: deviation.map((value) => Math.sqrt(value) || 1) };
}
