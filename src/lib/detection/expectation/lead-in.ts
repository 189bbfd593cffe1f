/**
 * State Detection: how many rows a machine's judge must have seen before a score counts.
 *
 * In: what judging rests on. Out: rows to run through first, so that network and moving means are warm. Begun colder, a machine that is ill
 * looks better for minutes after each reload.
 */
import type { JudgingBasis } from '../../contracts';

/** For judges of moving means over at most 60 rows, as votes and level watches are. */
export const movingMeansLeadInRows = 160;
/** Rows that changes of load may keep from counting while smoothing warms up. */
const heldOffRows = 100;

/** Until the slowest smoothing has forgotten that it began at nothing. */
export function leadInRowsOf({ calibration, ensemble, relations }: JudgingBasis): number {
	if (ensemble || relations) return movingMeansLeadInRows;
	const smoothings = calibration.statistics?.map(({ smoothing }) => smoothing) ?? [calibration.smoothing];
	const smoothed = Math.max(3 / Math.min(...smoothings), calibration.ownLevel?.warmUpRows ?? 0);
	return heldOffRows + Math.ceil(smoothed) + (calibration.warmUpSteps ?? 0);
}
