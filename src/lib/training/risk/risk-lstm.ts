/**
 * Training: failure probability by an LSTM. In: the rows to learn from and to judge. Out: what it says of both. An independent row is a
 * sequence of one step; a machine's row is the last of the days before it, the first one repeated where there are too few.
 */
import type { RiskRequest } from '../../contracts';
import type { Engine } from '../../neural/engine';
import { pickRows, type RiskPart } from './risk-folds';

const independent = { units: 24, epochs: 60, batchSize: 64, learningRate: 5e-3 };
/** Thousands of days that are much alike: few passes. */
const sequences = { units: 16, epochs: 10, batchSize: 64, learningRate: 3e-3 };
/** Every fifth machine is kept from learning, for the threshold and the calibration. */
const keptBack = 5;

/** Failures weigh as they come; the threshold makes up for their rarity. */
export async function tellByLstm(
	engine: Engine,
	request: RiskRequest,
	known: RiskPart,
	held: RiskPart,
	seed: number,
	signal?: AbortSignal
): Promise<{ known: Float32Array; knownLabels: Uint8Array; held: Float32Array }> {
	const { machines } = request;
	const features = request.featureNames.length;
	const setting = machines ? sequences : independent;
	const order =
		machines && new Map([...new Set(known.places.map((place) => machines.machine[place]!))].map((m, n) => [m, n]));
	const aside = (place: number) => order !== undefined && order.get(machines!.machine[place]!)! % keptBack === 0;
	const learnt = order ? pickRows(request, (place) => !aside(place), known.places) : known;
	const judge = order ? pickRows(request, aside, known.places) : known;
	const { mean, deviation } = fitSpread(learnt, features);
	const steps = machines?.steps ?? 1;
	const windows = ({ places }: RiskPart) => {
		const inputs = new Float32Array(places.length * steps * features);
		places.forEach((place, w) => {
			let row = place;
			for (let s = steps - 1; s >= 0; s--) {
				for (let f = 0; f < features; f++)
					inputs[(w * steps + s) * features + f] = (request.rows[row * features + f]! - mean[f]!) / deviation[f]!;
				if (row > 0 && machines?.machine[row - 1] === machines?.machine[place]) row--;
			}
		});
		return inputs;
	};
	const network = engine.createNetwork(
		{
			features,
			layers: [
				{ kind: 'lstm', units: setting.units, returnSequences: false },
				{ kind: 'dense', units: 1, activation: 'sigmoid' }
			]
		},
		seed
	);
	try {
		const inputs = windows(learnt);
		await network.fit(
			{ inputs, targets: Float32Array.from(learnt.labels), count: learnt.places.length, steps },
			{
				epochs: setting.epochs,
				batchSize: setting.batchSize,
				learningRate: setting.learningRate,
				learningRateSchedule: { kind: 'cosine', minimum: setting.learningRate / 50 },
				loss: 'binary-crossentropy',
				clipNorm: 1,
				seed,
				signal
			}
		);
		return {
			known: await network.predict(windows(judge), judge.places.length, steps),
			knownLabels: judge.labels,
			held: await network.predict(windows(held), held.places.length, steps)
		};
	} finally {
		network.dispose();
	}
}

function fitSpread({ rows, places }: RiskPart, features: number) {
	const mean = new Float64Array(features);
	const deviation = new Float64Array(features);
	const count = places.length;
	for (let i = 0; i < rows.length; i++) mean[i % features]! += rows[i]! / count;
	for (let i = 0; i < rows.length; i++) deviation[i % features]! += (rows[i]! - mean[i % features]!) ** 2 / count;
	return { mean, deviation: deviation.map((value) => Math.sqrt(value) || 1) };
}
