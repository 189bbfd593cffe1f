/**
 * Overlap counting of anomalous sequences (Hundman et al., KDD 2018). In: per channel the labelled and the found sequences. Out: a label that any found
 * sequence overlaps is one hit, one that none does a miss; a found sequence that overlaps no label is one false alarm.
 */
export type Sequence = readonly [from: number, to: number];

export interface OverlapCounts {
	hits: number;
	falseAlarms: number;
	misses: number;
}

export function countOverlaps(
	found: readonly Sequence[],
	labels: readonly Sequence[],
	into: OverlapCounts
): OverlapCounts {
	const meet = (a: Sequence, b: Sequence) => a[0] <= b[1] && a[1] >= b[0];
	for (const label of labels) into[found.some((one) => meet(one, label)) ? 'hits' : 'misses']++;
	into.falseAlarms += found.filter((one) => !labels.some((label) => meet(one, label))).length;
	return into;
}

export function overlapScore({ hits, falseAlarms, misses }: OverlapCounts): {
	precision: number;
	recall: number;
	f1: number;
} {
	return {
		precision: hits / Math.max(1, hits + falseAlarms),
		recall: hits / Math.max(1, hits + misses),
		f1: (2 * hits) / Math.max(1, 2 * hits + falseAlarms + misses)
	};
}
