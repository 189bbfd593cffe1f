/** Why a machine is unwell, in one plain sentence. In: its report, alarm and sensors. Out: words with units and times. */
import type { EpochMs, HealthReport, SensorRecord } from '$lib/contracts';
import { deviationWords, unscoredReason } from '../reason';
import { formatDuration, formatShare, formatTime, sensorLabel } from '$lib/words';

/** Shares below this are noise and are not listed. */
export const leastShare = 0.02;

export function whySentence(report: HealthReport | undefined, sensors: readonly SensorRecord[], now: EpochMs): string {
	if (!report) return 'Nothing has judged this machine yet.';
	const unscored = unscoredReason(report);
	if (unscored && report.unwellSince === undefined) return `${unscored}.`;
	const first = report.contributors[0];
	if (report.unwellSince === undefined || !first)
		return report.anomalous ? 'The score is above its threshold.' : 'Every sensor is where the model expects it.';
	const sensor = sensors.find(({ name }) => name === first.sensorName);
	const since = `Unwell since ${formatTime(report.unwellSince, now)} (${formatDuration(now - report.unwellSince)})`;
	const lead = `${sensorLabel(first.sensorName)} drives ${formatShare(first.share)} of it: ${deviationWords(first, sensor?.unit, sensor?.resolution)}`;
	return `${since}. ${lead}.${unscored ? ` ${unscored}.` : ''}`;
}
