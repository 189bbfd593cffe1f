/**
 * Model files: what a person brings from elsewhere, or takes away. A Keras model says nothing of sensors and scales; the file
 * `millwright.json` beside it does, and is written with every export.
 */
import * as v from 'valibot';
import { MillwrightError } from './error';
import type { MachineId } from './identity';
import type { EpochMs } from './reading';
import type { Scaler } from './sample-window';

export interface PickedFile {
	readonly name: string;
	readonly bytes: ArrayBuffer;
}

export const modelSettingsName = 'millwright.json';

const finite = v.pipe(v.number(), v.finite());
const ModelSettingsSchema = v.pipe(
	v.object({
		format: v.literal('millwright-model'),
		formatVersion: v.literal(1),
		/** In the order of the network's inputs, which is that of its outputs. */
		sensorNames: v.pipe(v.array(v.string()), v.minLength(1)),
		/** Inputs are (value - mean) / deviation, in the sensors' own units. */
		mean: v.array(finite),
		deviation: v.array(v.pipe(finite, v.gtValue(0, 'a deviation must be above 0'))),
		stepMs: v.optional(v.pipe(finite, v.gtValue(0, 'must be above 0')))
	}),
	v.check(
		({ sensorNames, mean, deviation }) => mean.length === sensorNames.length && deviation.length === sensorNames.length,
		'expected a mean and a deviation for each sensor'
	)
);
/** What `millwright.json` holds. */
export type ModelSettings = v.InferOutput<typeof ModelSettingsSchema>;

/** Throws `invalid-file` saying which field is wrong. */
export function parseModelSettings(text: string): ModelSettings {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new MillwrightError('invalid-file', `${modelSettingsName} is not JSON: ${String(cause)}`);
	}
	const parsed = v.safeParse(ModelSettingsSchema, json);
	if (parsed.success) return parsed.output;
	const issue = parsed.issues[0];
	const field = v.getDotPath(issue);
	throw new MillwrightError('invalid-file', `${modelSettingsName}${field ? `, ${field}` : ''}: ${issue.message}`, {
		file: modelSettingsName,
		field
	});
}

/** What picked files turned out to be, before anything is done with them. */
export interface ModelFileSummary {
	/** Values of a row that go in, and come out. */
	readonly inputs: number;
	/** In words, input side first, e.g. "LSTM 64". */
	readonly layers: readonly string[];
	readonly weights: number;
	/** What `millwright.json` says, if it was among the files. */
	readonly settings?: ModelSettings;
}

export interface ModelImportRequest {
	readonly machineId: MachineId;
	readonly files: readonly PickedFile[];
	/** The machine's sensor for each of the network's inputs, in their order. */
	readonly sensorNames: readonly string[];
	/** The span of normal running that it is calibrated on. */
	readonly from: EpochMs;
	readonly to: EpochMs;
	/** How rows were scaled for the network; undefined: to mean 0 and deviation 1, learnt from the span. In the order of the inputs. */
	readonly scale?: Pick<Scaler, 'mean' | 'deviation'>;
}
