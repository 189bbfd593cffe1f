/**
 * State Detection: the members' verdicts on one machine as one.
 *
 * In: per row what each member's residual is. Out: a score, the weighted geometric mean of the members' scores: each is calibrated
 * so that 1 is its own threshold, and one that is alone in its opinion has to be very sure.
 */
import type { Ensemble, MemberName } from '../../contracts';
import { Member } from './member';
import type { ResidualWatch } from './residual-watch';

/** Scores are kept within these before their logarithms are averaged: no member can silence the others. */
const lowest = 0.05;
const highest = 20;

export type MemberRows = Partial<Record<MemberName, readonly ArrayLike<number>[]>>;

export class EnsembleDetector {
	readonly members: readonly Member[];
	score = Number.NaN;
	private readonly weights: readonly number[];

	constructor(ensemble: Ensemble) {
		this.members = ensemble.members.map(({ name, watch }) => new Member(name, watch));
		this.weights = ensemble.members.map(({ weight }) => weight);
	}

	forgetRows(): void {
		this.members.forEach((member) => member.forgetRows());
		this.score = Number.NaN;
	}

	/** Takes what is new of each member (none: it keeps its opinion); gives the score. */
	take(rows: MemberRows): number {
		let sum = 0;
		let total = 0;
		this.members.forEach((member, k) => {
			for (const row of rows[member.name] ?? []) member.take(row);
			if (Number.isNaN(member.score)) return;
			sum += this.weights[k]! * Math.log(Math.min(highest, Math.max(lowest, member.score)));
			total += this.weights[k]!;
		});
		this.score = total === 0 ? Number.NaN : Math.exp(sum / total);
		return this.score;
	}

	/** What shows the levels of sensors and their normal range. */
	get levels(): ResidualWatch | undefined {
		return this.members.find(({ name }) => name === 'levels')?.watch;
	}

	/** The member whose opinion is the strongest now. */
	get leading(): ResidualWatch {
		let best = this.members[0]!;
		for (const member of this.members) if (member.score > best.score) best = member;
		return best.watch;
	}
}
