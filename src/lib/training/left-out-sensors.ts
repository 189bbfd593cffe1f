/**
 * Training: sensors that say nothing of a machine's condition.
 *
 * In: rows of all sensors. Out: those that send too seldom, and counters, which go where no training has been, each with the reason.
 */
import type { LeftOutReason, LevelWatch } from '../contracts';
import type { AlignedRow } from '../manipulation';

/** A sensor with a value in fewer of the rows than this is left out. */
const leastPresent = 0.95;
/** A sensor that rises in at least this share of the rows and never falls counts something. */
const counterRises = 0.02;

/** `rows` in `sensorNames` order. */
export function sensorsToLeaveOut(
	sensorNames: readonly string[],
	rows: readonly Pick<AlignedRow, 'values'>[]
): LevelWatch['leftOut'] {
	return sensorNames.flatMap((sensorName, i) => {
		const why = whyLeftOut(rows, i);
		return why ? [{ sensorName, why }] : [];
	});
}

function whyLeftOut(rows: readonly Pick<AlignedRow, 'values'>[], column: number): LeftOutReason | undefined {
	let present = 0;
	let rises = 0;
	let falls = 0;
	let last = Number.NaN;
	for (const { values } of rows) {
		const value = values[column]!;
		if (Number.isNaN(value)) continue;
		present++;
		if (value > last) rises++;
		else if (value < last) falls++;
		last = value;
	}
	if (present < leastPresent * rows.length) return 'seldom';
	return falls === 0 && rises >= Math.max(10, counterRises * present) ? 'counter' : undefined;
}
