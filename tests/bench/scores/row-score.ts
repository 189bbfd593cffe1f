/** Scores of 0/1 verdicts per row: F1, false and missed alarm rate, over the rows of all recordings. No point adjustment. */
export interface RowCounts {
	tp: number;
	fp: number;
	tn: number;
	fn: number;
}

export function countRows(flags: readonly number[], labels: readonly number[], into: RowCounts): RowCounts {
	flags.forEach((flag, r) => {
		into[labels[r] ? (flag ? 'tp' : 'fn') : flag ? 'fp' : 'tn']++;
	});
	return into;
}

/** far and mar in per cent, j = 1 - FAR - MAR as a fraction. */
export function rowScore({ tp, fp, tn, fn }: RowCounts): { f1: number; far: number; mar: number; j: number } {
	const far = fp + tn === 0 ? 0 : fp / (fp + tn);
	const mar = tp + fn === 0 ? 0 : fn / (tp + fn);
	return { f1: tp / (tp + (fp + fn) / 2), far: 100 * far, mar: 100 * mar, j: 1 - far - mar };
}
