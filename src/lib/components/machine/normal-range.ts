/**
 * The normal range of a sensor now, and where it comes from. In: the newest deviations and the model in use. Out: low,
 * high and words; undefined when nothing honest is known.
 */
import type { HealthReport, ModelVersion } from '$lib/contracts';

export interface NormalRange {
	readonly low: number;
	readonly high: number;
	readonly basis: 'expected' | 'trained';
}

/** Deviations of the training data that count as normal where the model says nothing of this moment. */
export const trainedDeviations = 3;

export function normalRange(
	sensorName: string,
	report: HealthReport | undefined,
	model: ModelVersion | undefined
): NormalRange | undefined {
	const now = report?.unscored ? undefined : report?.contributors.find((one) => one.sensorName === sensorName);
	if (now && Number.isFinite(now.expected) && now.band > 0)
		return { low: now.expected - now.band, high: now.expected + now.band, basis: 'expected' };
	const column = model?.scaler.sensorNames.indexOf(sensorName) ?? -1;
	if (!model || column < 0) return undefined;
	const reach = trainedDeviations * model.scaler.deviation[column]!;
	const mean = model.scaler.mean[column]!;
	return { low: mean - reach, high: mean + reach, basis: 'trained' };
}
