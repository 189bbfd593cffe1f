/**
 * A fault classifier: learned from labelled feature vectors, stored with the plant, plain data.
 */

export interface FaultClassifierModel {
	readonly kind: 'linear-discriminant';
	readonly version: 1;
	/** Column order of what it is given. */
	readonly featureIds: readonly string[];
	/** What it can name, e.g. "healthy", "outer race". */
	readonly conditions: readonly string[];
	readonly mean: Float64Array;
	readonly deviation: Float64Array;
	/** [conditions, features], of standardised features. */
	readonly weights: Float64Array;
	readonly biases: Float64Array;
	readonly shrinkage: number;
	/** Softness of the probabilities: discriminants are divided by it. */
	readonly temperature: number;
	readonly samples: number;
	readonly groups: number;
	/** Share of samples named rightly with their whole group held out; NaN with fewer than two groups a condition. */
	readonly heldOutAccuracy: number;
}

export interface FaultClassification {
	readonly condition: string;
	/** Of that condition, 0-1. */
	readonly probability: number;
	/** In the order of the model's conditions. */
	readonly probabilities: Float64Array;
	/** Features that spoke most for it against the runner-up, strongest first. */
	readonly evidence: readonly { readonly featureId: string; readonly share: number; readonly deviations: number }[];
}
