/**
 * What a health index is called: the borders between grades and their hysteresis. In: an index and the grade before. Out: the grade.
 */
import type { HealthGrade } from './health-report';

/** A grade is left upwards only when the index is this far past its border. */
const gradeHysteresis = 3;
const borders: readonly (readonly [HealthGrade, number])[] = [
	['good', 80],
	['watch', 60],
	['poor', 30],
	['critical', 0]
];

/** Grade of an index, given the grade before: getting better needs 3 points more than getting worse. */
export function gradeOf(index: number, before: HealthGrade): HealthGrade {
	if (Number.isNaN(index)) return 'unknown';
	const rank = borders.findIndex(([, border]) => index >= border);
	const previous = borders.findIndex(([grade]) => grade === before);
	if (previous > rank && rank >= 0) {
		const eased = borders.findIndex(([, border]) => index >= border + (border > 0 ? gradeHysteresis : 0));
		return borders[Math.min(previous, eased)]![0];
	}
	return borders[Math.max(0, rank)]![0];
}
