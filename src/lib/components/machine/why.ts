/** Why a machine is unwell, in one plain sentence. In: its report, alarm and sensors. Out: words with units and times. */
import type { AnomalySpan, EpochMs, HealthReport, SensorDeviation, SensorRecord } from '$lib/contracts';
import { deviationWords, unscoredReason } from '../reason';
import { isByLevels } from '$lib/state/machine/level-words';
import { formatDuration, formatShare, formatTime, sensorLabel } from '$lib/words';

/** Shares below this are noise and are not listed. */
export const leastShare = 0.02;

export function whySentence(report: HealthReport | undefined, sensors: readonly SensorRecord[], now: EpochMs): string {
	if (!report) return 'Nothing has judged this machine yet.';
	const unscored = unscoredReason(report);
	if (unscored && report.unwellSince === undefined) return `${unscored}.`;
	const first = report.contributors[0];
	if (report.unwellSince === undefined || !first)
		return report.anomalous
			? 'The score is above its threshold.'
			: isByLevels(report)
				? 'Every sensor is where its earlier running had it. No model yet: only levels are watched.'
				: 'Every sensor is where the model expects it.';
	const since = `Unwell since ${formatTime(report.unwellSince, now)} (${formatDuration(now - report.unwellSince)})`;
	const by = isByLevels(report) ? ' Going by its levels alone, without a model.' : '';
	return `${since}. ${leadWords(first, sensors)}${by}${unscored ? ` ${unscored}.` : ''}`;
}

/** Of a machine that nothing has judged since the page was opened: what was known when it last was. */
export function lastSentence(
	last: { readonly time: EpochMs; readonly span?: AnomalySpan },
	sensors: readonly SensorRecord[],
	now: EpochMs
): string {
	const when = `Last judged ${formatTime(last.time, now)} (${formatDuration(Math.max(0, now - last.time))} ago)`;
	const { span } = last;
	if (!span) return `${when}: every sensor was where it was expected.`;
	const first = span.contributors[0];
	const since = `${when}: unwell since ${formatTime(span.start, now)}`;
	return first ? `${since}. ${leadWords(first, sensors)}` : `${since}.`;
}

function leadWords(first: SensorDeviation, sensors: readonly SensorRecord[]): string {
	const sensor = sensors.find(({ name }) => name === first.sensorName);
	return `${sensorLabel(first.sensorName)} drives ${formatShare(first.share)} of it: ${deviationWords(first, sensor?.unit, sensor?.resolution)}.`;
}
