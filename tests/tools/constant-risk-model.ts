/** A failure classifier that says the same of everything. In: its inputs and probabilities. Out: a package as training stores it. */
import { defaultRiskCosts, type FailureModelPackage, type RiskFeatureSpec } from '../../src/lib/contracts';
import { riskFeatureNames } from '../../src/lib/prognostics';

/** `says`: of the row, or of 24 h, 72 h and 7 days. */
export function constantRiskModel(
	id: string,
	features: RiskFeatureSpec,
	says: readonly number[],
	threshold = 0.5
): FailureModelPackage {
	const featureNames = riskFeatureNames(features);
	const width = featureNames.length;
	const lstmSteps = features.kind === 'days' ? 14 : 1;
	const figures = { f1: 1, precision: 1, recall: 1, prAuc: 1, brier: 0, reliability: [] };
	const leaf = (share: number) => ({
		feature: Int16Array.of(-1),
		threshold: Float64Array.of(0),
		left: Int32Array.of(0),
		share: Float64Array.of(share),
		cover: Uint32Array.of(10)
	});
	return {
		version: {
			id,
			kind: 'failure-classifier',
			title: id,
			createdAt: 1,
			seed: 1,
			description: 'always the same',
			features,
			featureNames,
			quantiles: featureNames.map(() => Array.from({ length: 21 }, (_, k) => k)),
			method: 'linear',
			lstmSteps,
			targets: says.map((_, t) => ({
				...(features.kind === 'days' && { horizonHours: [24, 72, 168][t]! }),
				rows: 100,
				positives: 10,
				forest: figures,
				linear: figures,
				lstm: figures,
				influence: []
			})),
			modes: [{ name: 'bearing', positives: 10, forest: figures }],
			costs: defaultRiskCosts,
			thresholds: says.map(() => threshold),
			folds: 5,
			seconds: 1
		},
		targets: says.map((p) => ({
			forest: { features: width, trees: [leaf(p)] },
			linear: {
				mean: new Float64Array(width),
				deviation: new Float64Array(width).fill(1),
				weights: Float64Array.of(...new Array<number>(width).fill(0), Math.log(p / (1 - p)))
			},
			// All weights are 0 but the bias of the output, the last one.
			lstm: {
				mean: new Float64Array(width),
				deviation: new Float64Array(width).fill(1),
				units: 1,
				steps: lstmSteps,
				weights: Float32Array.of(...new Array<number>(4 * (width + 2) + 1).fill(0), Math.log(p / (1 - p)))
			}
		})),
		modes: [{ forest: { features: width, trees: [leaf(0.8)] } }]
	};
}

/** Reads sensors as they are now. */
export const rowsOf = (names: readonly string[]): RiskFeatureSpec => ({
	kind: 'rows',
	inputs: names.map((name) => ({ name })),
	pairs: false,
	fill: names.map(() => 0)
});

/** Reads the days of sensors. */
export const daysOf = (channels: readonly string[], errors: readonly string[] = []): RiskFeatureSpec => ({
	kind: 'days',
	channels,
	errors,
	components: [],
	constants: []
});
