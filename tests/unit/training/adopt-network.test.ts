/** Networks made elsewhere as model versions: which can watch a machine, and that an export comes back with the same numbers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModelSettings, type ModelPackage } from '$lib/contracts';
import { loadNetwork } from '$lib/detection';
import { importKeras, readPickedModel, startEngine, type Engine } from '$lib/neural';
import { randomFrom } from '$lib/neural/random';
import { adoptNetwork, predictorSpecOf } from '$lib/training';
import { packModel, summarise } from '../../../src/lib/workers/training/model-files';

const fixture = (name: string) => ({
	name,
	bytes: Uint8Array.from(readFileSync(join(import.meta.dirname, '../neural/keras-files', name))).buffer
});
const imported = async (name: string) => importKeras((await readPickedModel([fixture(name)])).files);

let engine: Engine;
beforeAll(async () => {
	engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
});
afterAll(() => engine.dispose());

const sensorNames = ['speed', 'flow', 'temperature'];
function rowsOf(count: number) {
	const draw = randomFrom(4);
	return Array.from({ length: count }, (_, r) => ({
		time: 1000 * r,
		values: Float32Array.from(sensorNames, (_name, i) => 50 * (i + 1) + Math.sin(r / 9 + i) + 0.1 * draw()),
		breakBefore: false
	}));
}
const data = (rows: number) => ({
	sensorNames,
	kinds: ['speed', 'flow', 'temperature'] as const,
	stepMs: 1000,
	recordings: [rowsOf(rows)]
});
const given = { id: 'p-1', target: { machineId: 'a/p' }, createdAt: 5, description: 'd' };

describe('a network from Keras', () => {
	it('becomes a predictor: dropout falls away, the last step alone becomes every step', async () => {
		expect(predictorSpecOf(await imported('predictor.keras'))).toEqual({
			kind: 'lstm-predictor',
			features: 3,
			units: [5, 4],
			windowSteps: 49,
			layers: [
				{ kind: 'lstm', units: 5 },
				{ kind: 'lstm', units: 4 },
				{ kind: 'dense', units: 3 }
			]
		});
		expect(predictorSpecOf(await imported('next-row.h5'))).toMatchObject({
			units: [4, 4],
			windowSteps: 7,
			layers: [{ kind: 'gru' }, { kind: 'gru' }, { kind: 'dense', activation: 'relu' }, { kind: 'dense', units: 3 }]
		});
	});

	it('is refused by layer when it cannot watch a machine live', async () => {
		const refusal = (change: (model: Awaited<ReturnType<typeof imported>>) => object) =>
			imported('predictor.keras').then((model) => predictorSpecOf({ ...model, ...change(model) }));
		await expect(imported('autoencoder.keras').then(predictorSpecOf)).rejects.toMatchObject({
			code: 'unsupported',
			message:
				'Layer bidirectional: expected a layer that reads forward, since a machine that runs has no later rows, found one that reads in both directions.'
		});
		await expect(refusal(({ spec }) => ({ spec: { ...spec, layers: spec.layers.slice(0, -1) } }))).rejects.toThrow(
			/expected an output for each of the 3 inputs \(the next row\), found 4/
		);
		await expect(
			refusal(({ spec }) => ({ spec: { ...spec, layers: [{ kind: 'repeat-vector', steps: 2 }] } }))
		).rejects.toThrow(
			/Layer lstm: expected a layer that predicts the next row step by step, found a repeat-vector layer/
		);
		await expect(refusal(({ spec }) => ({ spec: { ...spec, layers: [{ kind: 'dense', units: 3 }] } }))).rejects.toThrow(
			/at least one LSTM or GRU/
		);
	});

	it('is measured and calibrated on rows of normal running, with weights of its own', async () => {
		const model = await imported('next-row.keras');
		const { version, weights } = await adoptNetwork(engine, model, data(600), given);
		expect(new Float32Array(weights)).toEqual(model.weights);
		expect(version).toMatchObject({ origin: 'imported', target: { machineId: 'a/p' }, stepMs: 1000 });
		expect(version.scaler.mean[1]).toBeCloseTo(100, 0);
		expect(version.metrics.validationLoss).toBeGreaterThan(0);
		expect(version.metrics.persistenceLoss).toBeGreaterThan(0);
		expect(version.calibration.rows).toBeGreaterThan(400);
		expect(version.calibration.statistics!.length).toBeGreaterThan(0);
		// And can be run as it was stored.
		loadNetwork(engine, { version, weights }).dispose();

		const scale = { mean: [1, 2, 3], deviation: [4, 5, 6] };
		const scaled = await adoptNetwork(engine, model, data(600), { ...given, scale });
		expect(scaled.version.scaler).toEqual({ sensorNames, ...scale });
	});

	it('is refused with too few rows and with another number of sensors', async () => {
		const model = await imported('predictor.h5');
		await expect(adoptNetwork(engine, model, data(100), given)).rejects.toMatchObject({
			code: 'not-enough-data',
			details: { rows: 100 }
		});
		const two = { ...data(600), sensorNames: ['speed', 'flow'] };
		await expect(adoptNetwork(engine, model, two, given)).rejects.toThrow(/3 inputs, 2 sensors/);
	});
});

describe('a stored version', () => {
	it('that does not fit its own network is refused by layer', async () => {
		const { version, weights } = await adoptNetwork(engine, await imported('predictor.keras'), data(600), given);
		const refusal =
			(change: Partial<ModelPackage['version']>, values = weights) =>
			() =>
				loadNetwork(engine, { version: { ...version, ...change }, weights: values });
		const narrow = version.weights.map((entry, k) => (k === 3 ? { ...entry, shape: [5, 12] } : entry));
		expect(refusal({ weights: narrow })).toThrow(
			'Model p-1 cannot be used. Layer lstm_1/kernel: expected [5, 16], found lstm_1/kernel [5, 12].'
		);
		const broken = new Float32Array(weights.slice(0));
		broken[3 * 20 + 7] = Infinity;
		expect(refusal({}, broken.buffer)).toThrow(
			/Model p-1 cannot be used\. Weight lstm\/recurrent_kernel \[5, 20\] is not finite at element 7: found Infinity/
		);
		expect(refusal({}, weights.slice(0, 40))).toThrow(/expected \d+ numbers, found 10/);
	});
});

describe('an exported version', () => {
	it('comes back as the same network, with its sensors and scale', async () => {
		const pkg: ModelPackage = await adoptNetwork(engine, await imported('predictor.keras'), data(600), given);
		const file = await packModel(pkg);
		expect(file.name).toBe('p-1.zip');
		const summary = await summarise([file]);
		expect(summary).toMatchObject({ inputs: 3, layers: ['LSTM 5', 'LSTM 4', 'Dense 3'] });
		expect(summary.settings).toMatchObject({ sensorNames, mean: pkg.version.scaler.mean, stepMs: 1000 });
		const back = importKeras((await readPickedModel([file])).files);
		expect(back.weights).toEqual(new Float32Array(pkg.weights));
	});

	it('has settings that say which field is wrong', () => {
		const whole = { format: 'millwright-model', formatVersion: 1, sensorNames: ['a'], mean: [0], deviation: [1] };
		const parse = (change: object) => () => parseModelSettings(JSON.stringify({ ...whole, ...change }));
		expect(parse({})()).toMatchObject({ sensorNames: ['a'] });
		expect(parse({ deviation: [0] })).toThrow(/millwright\.json, deviation\.0: a deviation must be above 0/);
		expect(parse({ mean: [0, 1] })).toThrow(/a mean and a deviation for each sensor/);
		expect(parse({ format: 'other' })).toThrow(/format/);
		expect(() => parseModelSettings('{')).toThrow(/is not JSON/);
	});
});
