/**
 * Training: which stretch of stored history looks like normal running.
 *
 * In: aligned rows, the scores given to them so far, if any. Out: a span and, in one sentence, why it was chosen.
 */
import type { EpochMs, MachineRecord, SeriesSlice } from '../contracts';
import type { AlignedRow } from '../manipulation';
import { minimumTrainingRows } from './plan';

export interface ProposedSpan {
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly rows: number;
	readonly reason: string;
	readonly enough: boolean;
}

/** A row with a score at or above this, and its neighbourhood, is left out. */
const calmScore = 0.8;
/** Without any score, the newest part may hold what a person is worried about: an imported recording's first part is taken. */
const importShare = 0.4;
const importRows = 400;

/** The longest stretch that no score speaks against. `scores` is undefined when nothing has been scored. */
export function proposeSpan(
	rows: readonly AlignedRow[],
	stepMs: number,
	scores: Pick<SeriesSlice, 'times' | 'mean'> | undefined,
	origin: MachineRecord['origin']
): ProposedSpan {
	const first = rows[0];
	const last = rows[rows.length - 1];
	if (!first || !last)
		return { from: 0, to: 0, rows: 0, reason: 'Nothing is stored of this machine yet', enough: false };
	const margin = 60 * stepMs;
	const unrest: [EpochMs, EpochMs][] = [];
	let highest = 0;
	for (let i = 0; i < (scores?.times.length ?? 0); i++) {
		const score = scores!.mean[i]!;
		const time = scores!.times[i]!;
		if (score < calmScore) continue;
		highest = Math.max(highest, score);
		const before = unrest[unrest.length - 1];
		if (before && time - margin <= before[1]) before[1] = time + margin;
		else unrest.push([time - margin, time + margin]);
	}

	const stretches: AlignedRow[][] = [[]];
	const longGap = 600 * stepMs;
	let u = 0;
	let previous: AlignedRow | undefined;
	for (const row of rows) {
		while (u < unrest.length && unrest[u]![1] < row.time) u++;
		const disturbed = u < unrest.length && row.time >= unrest[u]![0];
		const gap = previous !== undefined && row.time - previous.time > longGap;
		if ((disturbed || gap) && stretches[stretches.length - 1]!.length > 0) stretches.push([]);
		if (!disturbed) stretches[stretches.length - 1]!.push(row);
		previous = row;
	}
	let best = stretches.reduce((most, stretch) => (stretch.length > most.length ? stretch : most));
	const scored = (scores?.times.length ?? 0) > 0;
	let reason: string;
	if (scored && unrest.length > 0)
		reason = `The longest stretch in which the score stayed below ${calmScore}; it reached ${highest.toFixed(1)} elsewhere`;
	else if (scored) reason = 'All of the recent history: nothing in it was anomalous to the model in use';
	else if (origin === 'import' && best.length > importRows) {
		best = best.slice(0, Math.max(importRows, Math.round(best.length * importShare)));
		reason = 'The first part of the recording, taken to be normal because nothing is known of it: check that it is';
	} else reason = 'All of the recent history; nothing has been scored yet, so check that the machine was well';
	const from = best[0]?.time ?? first.time;
	const to = best[best.length - 1]?.time ?? last.time;
	const enough = best.length >= minimumTrainingRows;
	if (!enough)
		reason = `Only ${best.length} ${best.length === 1 ? 'row' : 'rows'} of undisturbed running ${best.length === 1 ? 'is' : 'are'} stored; ${minimumTrainingRows} are needed`;
	return { from, to, rows: best.length, reason, enough };
}
