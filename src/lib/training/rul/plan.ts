/**
 * Training: the one configuration of remaining-life models, and how many epochs a set of histories gets.
 */
import { fewestLifeRows, type RulNetworkSpec } from '../../contracts';

export interface RulPlan {
	readonly network: RulNetworkSpec;
	/** Parts the units are dealt into; a network learns without one of them. */
	readonly folds: number;
	/** Times the units are dealt anew: the ensemble has folds x repeats networks. */
	readonly repeats: number;
	/** A training window ends at every `stride`th row. */
	readonly stride: number;
	/** Optimiser steps of one member. */
	readonly updates: number;
	readonly batchSize: number;
	readonly learningRate: number;
	readonly weightDecay: number;
	/** Standard deviation of the noise added to each copy of the training windows; 0: none. */
	readonly noise: number;
}

/**
 * Chosen by five-fold cross-validation over the training units of C-MAPSS FD001 and FD002 (one configuration for both), among some
 * fifty: age and change since new count most together (RMSE 15.3 -> 11.3), then small networks, short windows and few updates, since
 * a hundred lives are few to learn from (64-32 units 11.3 -> 16 units 10.1).
 */
export const rulPlan: RulPlan = {
	network: {
		features: { raw: true, spans: [15], sinceNew: true, lifeMean: false, age: true },
		windowSteps: 20,
		units: [16],
		dropout: 0,
		capSteps: 125
	},
	folds: 5,
	repeats: 2,
	stride: 2,
	updates: 1500,
	batchSize: 128,
	learningRate: 3e-3,
	weightDecay: 1e-4,
	noise: 0
};

/** A unit is judged from this many rows on, and a unit shorter than this is left out. */
export const fewestRows = fewestLifeRows;
