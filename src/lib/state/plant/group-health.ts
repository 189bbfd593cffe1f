/**
 * State: the health of a group of machines - a line, a plant.
 *
 * In: its machines' indices and the grade before. Out: one index and grade, with what they come from. Half of the index is the worst
 * machine's, half the mean: one failing machine stops a line and must not vanish in the mean of many, nor hide the rest.
 */
import { gradeOf, type HealthGrade } from '../../contracts';

export interface GroupHealth {
	/** 0-100; NaN when no machine has an index. */
	readonly index: number;
	readonly grade: HealthGrade;
	readonly mean: number;
	readonly worst: number;
	readonly worstName?: string;
	/** Machines with an index, and those without. */
	readonly counted: number;
	readonly left: number;
}

export const groupHealthFormula =
	'Half of the worst machine\u2019s index plus half of the mean of all machines that have one.';

/** Sums a group up machine by machine. */
export class GroupSum {
	#sum = 0;
	#counted = 0;
	#left = 0;
	#worst = Infinity;
	#worstName: string | undefined;

	add(name: string, index: number): void {
		if (!Number.isFinite(index)) {
			this.#left++;
			return;
		}
		this.#sum += index;
		this.#counted++;
		if (index < this.#worst) [this.#worst, this.#worstName] = [index, name];
	}

	/** `before`: the group's grade so far, for hysteresis. */
	health(before: HealthGrade = 'unknown'): GroupHealth {
		const mean = this.#sum / this.#counted;
		const index = this.#counted > 0 ? (this.#worst + mean) / 2 : Number.NaN;
		return {
			index,
			grade: gradeOf(index, before),
			mean,
			worst: this.#worst,
			worstName: this.#worstName,
			counted: this.#counted,
			left: this.#left
		};
	}
}

export function groupHealth(
	machines: Iterable<{ readonly name: string; readonly index: number }>,
	before?: HealthGrade
): GroupHealth {
	const group = new GroupSum();
	for (const { name, index } of machines) group.add(name, index);
	return group.health(before);
}

/** Alike to whoever looks at it: the same figures as they are shown. */
export function sameHealth(a: GroupHealth, b: GroupHealth): boolean {
	const shown = ({ index, grade, mean, worst, worstName, counted, left }: GroupHealth) =>
		[Math.round(index), grade, Math.round(mean), Math.round(worst), worstName, counted, left].join();
	return shown(a) === shown(b);
}
