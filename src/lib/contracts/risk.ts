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
	/** False: only the forest and the logistic regression are judged. */
	readonly lstm?: boolean;
	/** Rows of machines over time; absent: rows are independent of each other. */
	readonly machines?: RiskMachines;
}

/** Rows of one machine follow each other in time; a machine is either learnt from or judged, never both. */
export interface RiskMachines {
	/** Per row, which machine; each machine's rows in time order. */
	readonly machine: Uint16Array;
	/** Per row: 1 may be learnt from, 2 is judged, 3 both, 0 neither (the gap between past and future). */
	readonly role: Uint8Array;
	/** Rows back that the LSTM sees. */
	readonly steps: number;
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

export interface RiskEvaluation extends Readonly<Record<'forest' | 'linear', RiskFigures>> {
	readonly lstm?: RiskFigures;
	/** Share of each feature in what moved the forest's probability of the failures. */
	readonly influence: readonly { readonly name: string; readonly share: number }[];
	/** Of every row, by the model of its fold; NaN for a row that is not judged. */
	readonly probabilities: Readonly<Record<'forest' | 'linear', Float64Array>> & { readonly lstm?: Float64Array };
}

/** An evaluation for which all three were asked. */
export interface ComparedRisk extends RiskEvaluation {
	readonly lstm: RiskFigures;
	readonly probabilities: Readonly<Record<RiskMethod, Float64Array>>;
}
