/** Explanations: what a page asks the inference worker about history, and gets. */
import type { EpochMs } from './reading';

/** Why an anomaly, by the model's own gradients (integrated gradients). */
export interface AnomalyExplanation {
	readonly modelId: string;
	/** Largest first; shares sum to 1. */
	readonly shares: readonly { readonly sensorName: string; readonly share: number }[];
	/** Squared deviation that is explained (1: a sensor alone would be anomalous), and that of what the model expected. */
	readonly residual: number;
	readonly referenceResidual: number;
	/** How far the parts are from adding up to the residual's growth, as a share of it. */
	readonly completenessError: number;
}

/** What the model expected over a span of history, own units. */
export interface ExpectedBands {
	readonly modelId: string;
	readonly times: ArrayLike<EpochMs>;
	readonly sensors: readonly {
		readonly sensorName: string;
		readonly expected: ArrayLike<number>;
		/** Half-width of the normal band. */
		readonly band: number;
	}[];
}
