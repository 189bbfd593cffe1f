/**
 * State Detection: what one sensor should show, going by the others.
 *
 * In: a machine's standardised residuals and scaled values, row by row. Out: residuals less what the other sensors explain. A linear
 * regression a sensor on their residuals, values, squares, and slow means of both (heat follows load), learnt on healthy machines of a
 * class: what the network leaves of load and temperature cancels, what one sensor does alone stays.
 */
import type { SensorRelations } from '../contracts';

/** Beyond these a term says no more than that its sensor is far out; what it would explain there nobody has seen. */
const residualClip = 10;
const valueClip = 4;

/** Kinds of terms, one of each per sensor: residual, value, square, slow value, slow square. */
export const termKinds = 5;

export class SensorRelationTerms {
	/** [termKinds * sensors], kind by kind. */
	private readonly terms: Float64Array;
	private begun = false;

	constructor(
		private readonly sensors: number,
		private readonly slowSmoothing: number
	) {
		this.terms = new Float64Array(termKinds * sensors);
	}

	/** After a gap: slow means begin anew. */
	reset(): void {
		this.begun = false;
	}

	/** The terms of this row; the same array each time. */
	update(residuals: ArrayLike<number>, scaled: ArrayLike<number>): Float64Array {
		const { terms, sensors } = this;
		const smoothing = this.begun ? this.slowSmoothing : 1;
		for (let i = 0; i < sensors; i++) {
			const value = clip(scaled[i]!, valueClip);
			const square = value * value;
			terms[i] = clip(residuals[i]!, residualClip);
			terms[sensors + i] = value;
			terms[2 * sensors + i] = square;
			terms[3 * sensors + i]! += smoothing * (value - terms[3 * sensors + i]!);
			terms[4 * sensors + i]! += smoothing * (square - terms[4 * sensors + i]!);
		}
		this.begun = true;
		return terms;
	}
}

/** `out` [sensors]: residuals less what the terms explain of them. */
export function relate(
	relations: SensorRelations,
	residuals: ArrayLike<number>,
	terms: Float64Array,
	out: Float64Array
): void {
	for (let i = 0; i < out.length; i++) {
		const weights = relations.weights[i]!;
		let explained = relations.intercept[i]!;
		for (let k = 0; k < terms.length; k++) explained += weights[k]! * terms[k]!;
		out[i] = residuals[i]! - explained;
	}
}

function clip(value: number, limit: number): number {
	return Math.max(-limit, Math.min(limit, value));
}
