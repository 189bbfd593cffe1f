/** The one thing to say of a machine now. In: its report and worst open alarm. Out: a sentence and how grave it is. */
import type { Alarm, AlarmPriority, HealthReport, SensorDeviation, SensorRecord } from '$lib/contracts';
import { learningWords } from '$lib/state/machine/level-words';
import { formatQuantity, sensorLabel } from '$lib/words';

export interface Reason {
	readonly text: string;
	readonly priority?: AlarmPriority;
	readonly acknowledged?: boolean;
}

const unscoredWords: Record<Exclude<HealthReport['unscored'], undefined | 'no-model'>, string> = {
	'warming-up': 'Warming up: too little data for a verdict yet',
	'missing-sensors': 'Not judged: sensors that its model needs are missing',
	stopped: 'Stopped: judged again once it runs',
	'new-mode': 'New way of running: training did not show it, so it is not judged',
	stale: 'Not judged: values have stopped coming'
};

export function unscoredReason(report: HealthReport): string | undefined {
	if (report.unscored === 'no-model') return learningWords(report.learning);
	return report.unscored ? unscoredWords[report.unscored] : undefined;
}

export function reasonOf(
	report: HealthReport | undefined,
	alarm: Pick<Alarm, 'reason' | 'priority' | 'state'> | undefined,
	sensorOf?: (sensorName: string) => Pick<SensorRecord, 'unit' | 'resolution'> | undefined
): Reason {
	if (alarm) return { text: alarm.reason, priority: alarm.priority, acknowledged: alarm.state === 'acknowledged' };
	if (!report) return { text: 'Not judged yet' };
	const unscored = unscoredReason(report);
	if (unscored) return { text: unscored };
	const first = report.contributors[0];
	if (report.anomalous && first) {
		const sensor = sensorOf?.(first.sensorName);
		return {
			text: `Unusual: ${sensorLabel(first.sensorName)} ${deviationWords(first, sensor?.unit, sensor?.resolution)}`
		};
	}
	if (report.grade !== 'good' && report.grade !== 'unknown') return { text: 'Recovering: no anomaly now' };
	return { text: 'Normal' };
}

/** What digits of a deviation mean something: the sensor's resolution, or a tenth of its normal range where none is stated. */
export function shownResolution({ band }: SensorDeviation, resolution?: number): number | undefined {
	return resolution ?? (Number.isFinite(band) && band > 0 ? band / 10 : undefined);
}

/** "6.1 mm/s, expected 1.9 ± 0.4 mm/s". */
export function deviationWords(deviation: SensorDeviation, unit?: string, stated?: number): string {
	const resolution = shownResolution(deviation, stated);
	if (deviation.note === 'stuck') return `stuck at ${formatQuantity(deviation.actual, unit, resolution)}`;
	if (deviation.note === 'silent') return 'has stopped sending';
	const band = Number.isFinite(deviation.band)
		? ` \u00b1 ${formatQuantity(deviation.band, undefined, resolution)}`
		: '';
	return `${formatQuantity(deviation.actual, unit, resolution)}, expected ${formatQuantity(deviation.expected, undefined, resolution)}${band}${unit ? ` ${unit}` : ''}`;
}
