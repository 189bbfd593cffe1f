/**
 * Failure probability from labelled rows: what crosses to the training worker, and how good each kind of model is at it.
 */
export type RiskMethod = 'forest' | 'lstm' | 'linear';

export interface RiskRequest {
	readonly featureNames: readonly string[];
	/** Row-major [rows, features], finite. */
	readonly rows: Float64Array;
	/** 1 where the row ended in a failure. */
	readonly labels: Uint8Array;
	readonly folds: number;
	readonly seed: number;
}

export interface RiskFigures {
	/** Of the failure class, at a threshold chosen without the rows judged. */
	readonly f1: number;
	readonly precision: number;
	readonly recall: number;
	readonly prAuc: number;
	/** Mean squared difference between probability and outcome. */
	readonly brier: number;
	readonly reliability: readonly { readonly said: number; readonly came: number; readonly count: number }[];
}

export interface RiskEvaluation extends Readonly<Record<RiskMethod, RiskFigures>> {
	/** Share of each feature in what moved the forest's probability of the failures. */
	readonly influence: readonly { readonly name: string; readonly share: number }[];
}
