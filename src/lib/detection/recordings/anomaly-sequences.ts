/**
 * State Detection: findings of a recording as sequences, the doubtful ones left out.
 *
 * In: a score per row of a whole recording, 1 being the threshold. Out: sequences of rows, without those that are small beside the largest: where
 * one event stands out, what barely passes the threshold is the channel's own unrest (after the pruning of Hundman et al., KDD 2018).
 */
export interface AnomalySequence {
	/** First and last row, inclusive. */
	readonly from: number;
	readonly to: number;
	readonly peak: number;
}

export interface SequenceOptions {
	/** Findings with fewer rows between them are one sequence. */
	readonly mergeRows: number;
	/** Share of the largest peak below which a sequence is left out. */
	readonly leastShare: number;
}

export function anomalySequences(scores: ArrayLike<number>, options: SequenceOptions): AnomalySequence[] {
	const found: { from: number; to: number; peak: number }[] = [];
	for (let r = 0; r < scores.length; r++) {
		const score = scores[r]!;
		if (!(score > 1)) continue;
		const last = found.at(-1);
		if (last && r - last.to <= options.mergeRows) {
			last.to = r;
			last.peak = Math.max(last.peak, score);
		} else found.push({ from: r, to: r, peak: score });
	}
	const largest = found.reduce((most, { peak }) => Math.max(most, peak), 0);
	return found.filter(({ peak }) => peak >= options.leastShare * largest);
}
