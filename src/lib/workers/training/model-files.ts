/**
 * Training worker: model files in and out. In: files that a person picked, or a version. Out: what they hold, a calibrated
 * version, or a zip. Reading happens here, not in the page: a damaged file can at worst end this worker.
 */
import {
	MillwrightError,
	modelSettingsName,
	parseModelSettings,
	type EpochMs,
	type ModelFileSummary,
	type ModelImportRequest,
	type ModelPackage,
	type ModelSettings,
	type ModelVersion,
	type PickedFile
} from '../../contracts';
import { networkSpecOf } from '../../detection';
import {
	exportKeras,
	importKeras,
	readPickedModel,
	splitKerasFiles,
	weightCountOf,
	zip,
	type Engine,
	type ImportedNetwork
} from '../../neural';
import { adoptNetwork, predictorSpecOf, versionId } from '../../training';
import type { MachineHistory } from '../machine-history';

interface OpenedModel {
	readonly network: ImportedNetwork;
	readonly settings: ModelSettings | undefined;
}

async function open(files: readonly PickedFile[]): Promise<OpenedModel> {
	const { files: keras, all } = await readPickedModel(files);
	const network = importKeras(keras);
	const beside = all.find(({ name }) => name.split(/[\\/]/).pop() === modelSettingsName);
	const settings = beside && parseModelSettings(new TextDecoder().decode(beside.bytes));
	if (settings && settings.sensorNames.length !== network.spec.features)
		throw new MillwrightError(
			'invalid-file',
			`${modelSettingsName} names ${settings.sensorNames.length} sensors, the network has ${network.spec.features} inputs`,
			{ expected: network.spec.features, found: settings.sensorNames.length }
		);
	return { network, settings };
}

export async function summarise(files: readonly PickedFile[]): Promise<ModelFileSummary> {
	const { network, settings } = await open(files);
	const spec = predictorSpecOf(network);
	return {
		inputs: spec.features,
		layers: spec.layers!.map(({ kind, units }) => `${kind === 'dense' ? 'Dense' : kind.toUpperCase()} ${units}`),
		weights: network.weights.length,
		...(settings ? { settings } : {})
	};
}

/** @throws MillwrightError as `adoptNetwork` and `MachineHistory.readSpan` do, and for damaged files */
export async function importModel(
	engine: Engine,
	history: MachineHistory,
	{ machineId, files, sensorNames, from, to, scale }: ModelImportRequest,
	now: EpochMs
): Promise<ModelPackage> {
	const twice = sensorNames.find((name, k) => sensorNames.indexOf(name) !== k);
	if (twice !== undefined) throw new MillwrightError('invalid-input', `${twice} was chosen for two inputs`);
	const { network } = await open(files);
	const { sensors, stepMs, rows } = await history.readSpan(machineId, sensorNames, from, to);
	return adoptNetwork(
		engine,
		network,
		{ sensorNames, kinds: sensors.map(({ kind }) => kind), stepMs, recordings: [rows] },
		{
			id: versionId(machineId, now, 'imported'),
			target: { machineId },
			createdAt: now,
			description: `${files.map(({ name }) => name).join(', ')}, calibrated on ${rows.length} rows of ${machineId}`,
			...(scale ? { scale } : {})
		}
	);
}

export async function packModel({ version, weights }: ModelPackage): Promise<PickedFile> {
	const spec = networkSpecOf(version.spec);
	// The predictor's weights come first, whatever else a version holds.
	const own = new Float32Array(weights.slice(0, 4 * weightCountOf(spec)));
	const files = splitKerasFiles(exportKeras(spec, own));
	const text = JSON.stringify({ ...settingsOf(version), version }, undefined, '\t');
	const settings = { name: modelSettingsName, bytes: new TextEncoder().encode(text).buffer as ArrayBuffer };
	return { name: `${version.id}.zip`, bytes: await zip([...files, settings]) };
}

function settingsOf({ scaler, stepMs }: ModelVersion): ModelSettings {
	return {
		format: 'millwright-model',
		formatVersion: 1,
		sensorNames: [...scaler.sensorNames],
		mean: [...scaler.mean],
		deviation: [...scaler.deviation],
		stepMs
	};
}
