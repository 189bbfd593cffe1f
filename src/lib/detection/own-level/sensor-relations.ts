/**
 * State Detection: what one sensor should show, going by the others.
 *
 * In: a machine's standardised residuals (or, in their place, its values) and scaled values, row by row. Out: residuals less what the other
 * sensors explain. A linear regression a sensor on their residuals, values, squares, and slow means of both (heat follows load), learnt on
 * healthy machines of a class: what the network leaves of load and temperature cancels, what one sensor does alone stays.
 */
import type { SensorRelations } from '../../contracts';

/** Beyond these a term says no more than that its sensor is far out; what it would explain there nobody has seen. */
const residualClip = 10;
const valueClip = 4;

/** Kinds of terms, one of each per sensor, beside the slow ones: residual, value, square. */
const plainKinds = 3;

export type TermPlan = Pick<SensorRelations, 'slowSmoothing' | 'slowSmoothings' | 'slowFromMean'>;

/** Kinds of terms, one of each per sensor, kind by kind. */
export function termKinds(plan: TermPlan): number {
	return plainKinds + 2 * slowOf(plan).length;
}

export class SensorRelationTerms {
	/** [kinds * sensors], kind by kind: residuals, values, squares; per smoothing slow values and slow squares. */
	private readonly terms: Float64Array;
	private readonly slow: readonly number[];
	/** Slow terms follow each row of the machine's day, also those that do not count. */
	private readonly everyRow: boolean;
	private readonly fromMean: boolean;
	private begun = false;

	constructor(
		private readonly sensors: number,
		plan: TermPlan
	) {
		this.slow = slowOf(plan);
		this.everyRow = plan.slowSmoothings !== undefined;
		this.fromMean = plan.slowFromMean === true;
		this.terms = new Float64Array(termKinds(plan) * sensors);
	}

	/** After a gap: slow means begin anew, with the first row that counts. */
	reset(): void {
		this.begun = false;
	}

	/** A row of the machine, scaled, before it is known whether it counts: heat goes on while it stands. */
	notice(scaled: ArrayLike<number>): void {
		// Begun with a row that does not count, an inrush or a cold stop would be taken for what went before, for twenty minutes.
		if (this.everyRow && this.begun) this.follow(scaled);
	}

	/** The terms of a row that counts, `notice`d before; the same array each time. */
	update(residuals: ArrayLike<number>, scaled: ArrayLike<number>): Float64Array {
		const { terms, sensors } = this;
		if (!this.everyRow || !this.begun) this.follow(scaled);
		for (let i = 0; i < sensors; i++) {
			const value = clip(scaled[i]!, valueClip);
			terms[i] = clip(residuals[i]!, residualClip);
			terms[sensors + i] = value;
			terms[2 * sensors + i] = value * value;
		}
		return terms;
	}

	private follow(scaled: ArrayLike<number>): void {
		const { terms, sensors } = this;
		this.slow.forEach((slow, s) => {
			const smoothing = this.begun || this.fromMean ? slow : 1;
			const at = (plainKinds + 2 * s) * sensors;
			// Scaled values have mean 0 and mean square 1 over the training data.
			if (!this.begun && this.fromMean) terms.fill(0, at, at + sensors).fill(1, at + sensors, at + 2 * sensors);
			for (let i = 0; i < sensors; i++) {
				const value = clip(scaled[i]!, valueClip);
				terms[at + i]! += smoothing * (value - terms[at + i]!);
				terms[at + sensors + i]! += smoothing * (value * value - terms[at + sensors + i]!);
			}
		});
		this.begun = true;
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

function slowOf({ slowSmoothing, slowSmoothings }: TermPlan): readonly number[] {
	return slowSmoothings ?? (slowSmoothing === undefined ? [] : [slowSmoothing]);
}

function clip(value: number, limit: number): number {
	return Math.max(-limit, Math.min(limit, value));
}
