/** What the watch on a machine's levels is and knows, in words: never more than it does. In: reports and watches. Out: sentences. */
import { isLevelWatch, type HealthReport, type LevelLearning, type LevelWatch } from '$lib/contracts';
import { formatDateTime, formatDuration, sensorLabel } from '$lib/words';

/** Beside a verdict of such a watch, in few words. */
export const levelsTag = 'watching levels, no model';

export function isByLevels(report: HealthReport | undefined): boolean {
	return report !== undefined && isLevelWatch(report.modelId);
}

/** Why nothing judges a machine without a model yet, and how long it takes; no full stop at the end. */
export function learningWords(learning: LevelLearning | undefined): string {
	if (!learning) return 'No model yet: watched by its levels once it has run long enough; or train a model';
	if (learning.full) return 'No model, and as many machines as can be are watched by their levels: train one';
	if (learning.recorded)
		return `No model, and the recording is too short to learn its levels from: ${learning.rows} of ${learning.neededRows} rows`;
	const missing = learning.neededRows - learning.rows;
	if (learning.stepMs === undefined) return 'No model yet: too few values have come to know the clock of this machine';
	const left = formatDuration(missing * learning.stepMs);
	return learning.rows === 0
		? `No model yet: watched by its levels after ${left} of running`
		: `No model yet: learning its levels, ${left} of running still to see`;
}

/** What a level watch rests on. */
export function levelWatchWords({
	rows,
	stepMs,
	from,
	to
}: Pick<LevelWatch, 'rows' | 'stepMs' | 'from' | 'to'>): string {
	return `Watching levels, no model yet: learned from ${formatDuration(rows * stepMs)} of running, ${formatDateTime(from)} to ${formatDateTime(to)}`;
}

/** Sensors it leaves out and why; undefined: none. */
export function leftOutWords(leftOut: LevelWatch['leftOut'], what = 'Not watched'): string | undefined {
	if (leftOut.length === 0) return undefined;
	const why = { seldom: 'sends too seldom', counter: 'only ever rises' } as const;
	return `${what}: ${leftOut.map((one) => `${sensorLabel(one.sensorName)} (${why[one.why]})`).join(', ')}.`;
}
