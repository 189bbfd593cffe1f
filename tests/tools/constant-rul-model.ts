/**
 * Tests: a remaining-life model that says the same of every machine. In: what it reads and says. Out: a package whose network is all
 * zeros but for the bias of its output.
 */
import type { RulModelPackage } from '../../src/lib/contracts';
import { sha256Hex } from '../../src/lib/training';

export async function constantRulModel(options: {
	readonly id: string;
	readonly sensorNames: readonly string[];
	readonly capSteps: number;
	/** Remaining life that it says, steps. */
	readonly says: number;
	/** Half-width of its 90 % interval, steps. */
	readonly spread: number;
}): Promise<RulModelPackage> {
	const { id, sensorNames, capSteps, says, spread } = options;
	const features = sensorNames.length + 2;
	const weights = new Float32Array(features * 4 + 4 + 4 + 1 + 1);
	weights[weights.length - 1] = says / capSteps;
	const levels = [0.05, 0.1, 0.5, 0.9, 0.95];
	return {
		version: {
			id,
			kind: 'rul-ensemble',
			title: `Model ${id}`,
			origin: 'trained-here',
			createdAt: 1,
			seed: 1,
			sensorNames,
			settingNames: [],
			stepName: 'step',
			conditions: {
				settings: [],
				scale: [],
				centres: [[]],
				mean: [sensorNames.map(() => 0)],
				deviation: [sensorNames.map(() => 1)],
				sensors: sensorNames.map((_, i) => i)
			},
			spec: {
				features: { raw: true, spans: [], sinceNew: false, lifeMean: false, age: true },
				windowSteps: 5,
				units: [1],
				dropout: 0,
				capSteps
			},
			members: 1,
			calibration: { upTo: [capSteps], residuals: [[-spread, -spread / 2, 0, spread / 2, spread]], levels, units: 40 },
			metrics: {
				crossValidatedRmse: 1,
				constantRmse: 2,
				coverage90: 0.9,
				units: 40,
				rows: 4000,
				seconds: 1,
				secondsPerMember: 1,
				backend: 'test',
				lossCurve: []
			},
			description: 'says the same of all',
			weights: [],
			weightsSha256: await sha256Hex(weights.buffer)
		},
		weights: weights.buffer
	};
}
