/**
 * State Detection: when a sensor is silent rather than late.
 *
 * In: rows of normal running. Out: per sensor how many missing rows are a finding, and how fast rows with a value take them back, so that
 * a sensor which is often missing in normal running is not reported for it.
 */
import type { SilenceCalibration } from '../../contracts';

/** Without a calibration: a minute of rows; rows with a value count a fifth back, so that bursts of silence add up. */
export const silentRows = 60;
export const heardAgain = 0.2;
/** With enough rows of normal running in which nothing was missing: a dozen rows within ten minutes. */
const leastLimit = 12;
const leastRecovery = 0.02;
const leastRows = 20_000;

export function learnSilence(
	recordings: readonly (readonly { readonly values: ArrayLike<number> }[])[],
	sensors: number
): SilenceCalibration | undefined {
	const missing = new Array<number>(sensors).fill(0);
	const longest = new Array<number>(sensors).fill(0);
	let rows = 0;
	for (const recording of recordings) {
		const run = new Array<number>(sensors).fill(0);
		for (const { values } of recording) {
			const gone = Array.from({ length: sensors }, (_, i) => Number.isNaN(values[i]!));
			if (gone.every(Boolean)) continue;
			rows++;
			gone.forEach((isGone, i) => {
				run[i] = isGone ? run[i]! + 1 : 0;
				if (isGone) missing[i]!++;
				longest[i] = Math.max(longest[i]!, run[i]!);
			});
		}
	}
	if (rows < leastRows) return undefined;
	return {
		limitRows: longest.map((run) => Math.max(leastLimit, 2 * run)),
		// Twice as fast as a normal share of missing rows adds up.
		recoveryPerRow: missing.map((count) => Math.min(1, leastRecovery + (2 * count) / Math.max(1, rows - count)))
	};
}
