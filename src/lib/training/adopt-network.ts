/**
 * Training: a network made elsewhere becomes a machine's model version. In: the network, rows of normal running, which sensor each
 * input is. Out: a version that is scored and calibrated on these rows exactly as one trained here would be on rows it never saw.
 */
import {
	MillwrightError,
	type ModelPackage,
	type ModelVersion,
	type PredictorLayer,
	type PredictorSpec,
	type Scaler
} from '../contracts';
import { learnStopLevels, networkSpecOf } from '../detection';
import { cutWindows, fitScaler, splitSegments } from '../manipulation';
import type { Engine, ImportedNetwork } from '../neural';
import { sha256Hex } from './checksum';
import { minimumTrainingRows } from './plan';
import { recalibrate, type TrainingData } from './train-predictor';

export interface AdoptedNetwork {
	readonly id: string;
	readonly target: ModelVersion['target'];
	readonly createdAt: number;
	readonly description: string;
	/** How its inputs were scaled; undefined: to mean 0 and deviation 1, learnt from the rows. */
	readonly scale?: Pick<Scaler, 'mean' | 'deviation'>;
	readonly signal?: AbortSignal;
}

/** Steps of the windows that its error is measured on, where the model does not say. */
const usualSteps = 48;

/**
 * The network as a live predictor of the next row. Only its last recurrent layer may return the last step alone: fed step by step
 * it then gives an output at every step. Throws `unsupported` naming the layer, what was expected and what was found.
 */
export function predictorSpecOf({ spec, layerNames, steps }: ImportedNetwork): PredictorSpec {
	const layers: PredictorLayer[] = [];
	let ended: string | undefined;
	spec.layers.forEach((layer, k) => {
		const name = layerNames[k]!;
		const refuse = (expected: string, found: string) =>
			new MillwrightError('unsupported', `Layer ${name}: expected ${expected}, found ${found}.`, {
				layer: name,
				expected,
				found
			});
		if (layer.kind === 'dropout') return;
		if (layer.kind === 'dense') {
			layers.push(layer);
			return;
		}
		if (layer.kind !== 'lstm' && layer.kind !== 'gru')
			throw refuse('a layer that predicts the next row step by step', `a ${layer.kind} layer`);
		const forward = 'a layer that reads forward, since a machine that runs has no later rows';
		if (layer.bidirectional) throw refuse(forward, 'one that reads in both directions');
		if (layer.goBackwards) throw refuse(forward, 'one that reads backwards');
		if (ended)
			throw refuse(`no recurrent layer after ${ended}, which returns its last step alone`, layer.kind.toUpperCase());
		if (!layer.returnSequences) ended = name;
		layers.push({ kind: layer.kind, units: layer.units });
	});
	const recurrent = layers.filter((layer) => layer.kind !== 'dense');
	const width = layers.at(-1)?.units;
	const last = layerNames.at(-1)!;
	if (recurrent.length === 0)
		throw new MillwrightError('unsupported', 'Expected at least one LSTM or GRU layer, found none.', { layer: last });
	if (width !== spec.features)
		throw new MillwrightError(
			'unsupported',
			`Layer ${last}: expected an output for each of the ${spec.features} inputs (the next row), found ${width}.`,
			{ layer: last, expected: spec.features, found: width }
		);
	return {
		kind: 'lstm-predictor',
		features: spec.features,
		units: recurrent.map(({ units }) => units),
		windowSteps: (steps ?? usualSteps) + 1,
		layers
	};
}

/**
 * Makes, measures and calibrates the version. Throws `invalid-input` when sensors and inputs do not match, `not-enough-data`
 * when there are too few rows, `unsupported` and `invalid-model` for networks that cannot watch a machine.
 */
export async function adoptNetwork(
	engine: Engine,
	imported: ImportedNetwork,
	{ sensorNames, kinds, stepMs, recordings }: TrainingData,
	given: AdoptedNetwork
): Promise<ModelPackage> {
	const spec = predictorSpecOf(imported);
	const rows = recordings.reduce((sum, recording) => sum + recording.length, 0);
	if (sensorNames.length !== spec.features)
		throw new MillwrightError(
			'invalid-input',
			`The network has ${spec.features} inputs, ${sensorNames.length} sensors were chosen`,
			{ expected: spec.features, found: sensorNames.length }
		);
	if (rows < minimumTrainingRows)
		throw new MillwrightError(
			'not-enough-data',
			`Calibrating needs at least ${minimumTrainingRows} rows; this span has ${rows}`,
			{ rows, minimumRows: minimumTrainingRows }
		);
	const scaler = given.scale ? { sensorNames, ...given.scale } : fitScaler(sensorNames, recordings.flat());
	const network = engine.createNetwork(networkSpecOf(spec), 0);
	try {
		network.setWeights(imported.weights);
		const steps = Math.min(spec.windowSteps - 1, Math.floor(rows / 4));
		const segments = recordings.flatMap((recording) => splitSegments(recording, steps + 1));
		const windows = cutWindows(segments, scaler, steps, steps);
		if (windows.count === 0)
			throw new MillwrightError('not-enough-data', `Gaps leave no unbroken window of ${steps} rows in this span`);
		const outputs = await network.predict(windows.inputs, windows.count, steps);
		given.signal?.throwIfAborted();
		const weights = imported.weights.slice().buffer as ArrayBuffer;
		const times = recordings.flatMap((recording) => [recording[0]!.time, recording.at(-1)!.time]);
		const version: ModelVersion = {
			id: given.id,
			target: given.target,
			origin: 'imported',
			createdAt: given.createdAt,
			spec,
			stepMs,
			scaler,
			calibration: {
				residualDeviation: kinds.map(() => 1),
				residualMean: kinds.map(() => 0),
				smoothing: 0.05,
				threshold: 1,
				stoppedBelow: learnStopLevels(
					kinds,
					recordings.flatMap((recording) => recording.map(({ values }) => values))
				)
			},
			seed: 0,
			dataSpan: { from: Math.min(...times), to: Math.max(...times), description: given.description },
			metrics: {
				trainLoss: NaN,
				validationLoss: lateLoss(outputs, windows.targets, steps, spec.features),
				persistenceLoss: lateLoss(windows.inputs, windows.targets, steps, spec.features),
				epochs: 0,
				windows: windows.count,
				seconds: 0,
				backend: engine.report.backend,
				lossCurve: []
			},
			weights: network.weightShapes.map(({ name, shape }) => ({ name, shape: [...shape] })),
			weightsSha256: await sha256Hex(weights)
		};
		given.signal?.throwIfAborted();
		return recalibrate(engine, { version, weights }, recordings, kinds);
	} finally {
		network.dispose();
	}
}

/** Mean squared error over the second half of each window: networks that return one step were never taught the first ones. */
function lateLoss(found: Float32Array, targets: Float32Array, steps: number, features: number): number {
	const from = Math.floor(steps / 2) * features;
	let sum = 0;
	let count = 0;
	for (let k = 0; k < targets.length; k++) {
		if (k % (steps * features) < from) continue;
		sum += (found[k]! - targets[k]!) ** 2;
		count++;
	}
	return sum / count;
}
