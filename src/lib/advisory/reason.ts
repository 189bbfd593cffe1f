/**
 * Advisory Generation: one plain sentence that says what is wrong, which sensor says so, by how much and since when.
 *
 * In: a health report with ranked contributors. Out: text. Numbers carry as many digits as the band makes sense of.
 */
import { sentence, spokenName, type EpochMs, type HealthReport, type SensorDeviation } from '../contracts';
import type { FailureStatement } from './failure-alarm';

const hourMs = 3_600_000;

/** Clock time, hours and minutes of the tablet's own zone. */
export function clockOf(time: EpochMs): string {
	const date = new Date(time);
	return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/** A value with digits down to a tenth of `band`. */
export function formatValue(value: number, band: number): string {
	if (!Number.isFinite(value)) return 'nothing';
	const digits = band > 0 && Number.isFinite(band) ? Math.max(0, Math.min(6, Math.ceil(-Math.log10(band)) + 1)) : 2;
	return value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1');
}

export function deviationSentence(deviation: SensorDeviation, unit: string | undefined): string {
	const name = sentence(spokenName(deviation.sensorName));
	const suffix = unit ? ` ${unit}` : '';
	if (deviation.note === 'silent') return `${name} has stopped sending`;
	const actual = formatValue(deviation.actual, deviation.band);
	if (deviation.note === 'stuck') return `${name} is stuck at ${actual}${suffix}`;
	const expected = formatValue(deviation.expected, deviation.band);
	const apart = Math.abs(deviation.actual - deviation.expected);
	if (apart < deviation.band * 0.5)
		return `${name} is unsteady around ${actual}${suffix} (expected ${expected} \u00b1 ${formatValue(deviation.band, deviation.band)}${suffix})`;
	const side = deviation.actual > deviation.expected ? 'high' : 'low';
	return `${name} is ${side}: ${actual}${suffix}, expected ${expected} \u00b1 ${formatValue(deviation.band, deviation.band)}${suffix}`;
}

export function anomalyReason(
	report: Pick<HealthReport, 'contributors' | 'unwellSince' | 'time'>,
	unitOf: (sensorName: string) => string | undefined,
	since: EpochMs | undefined = report.unwellSince
): string {
	const [first, second] = report.contributors;
	const when = `since ${clockOf(since ?? report.time)}`;
	if (!first) return `Readings do not fit normal running ${when}`;
	const also = second && second.share >= 0.2 ? `, with ${spokenName(second.sensorName)}` : '';
	return `${deviationSentence(first, unitOf(first.sensorName))}${also}, ${when}`;
}

export function staleReason(lastTime: EpochMs): string {
	return `No data since ${clockOf(lastTime)}: the machine or its link has stopped sending`;
}

/** When, not in how long: an alarm's sentence is read later than it was written. Figures are rounded, so that it does not change all the time. */
export function failureReason({ prognosis, title, fault }: FailureStatement): string {
	const { time, rulHours, eventProbability, tellsUpToHours, failure } = prognosis;
	const how = fault === undefined ? '' : `, most likely ${spokenName(fault)}`;
	const by =
		title === undefined
			? `by likeness to ${failure?.lives ?? 0} lives that ended in failure, shipped with its model`
			: `by the model ${title}`;
	if (rulHours) {
		const { low, median, high } = rulHours;
		const grainHours = high - low > 72 ? 6 : high - low > 6 ? 1 : 1 / 60;
		const rounded = (hours: number) =>
			Math.round((time + hours * hourMs) / (grainHours * hourMs)) * grainHours * hourMs;
		const middle = rounded(median);
		const at = (hours: number) =>
			dayOf(rounded(hours)) === dayOf(middle) ? clockOf(rounded(hours)) : dayAndClockOf(rounded(hours));
		const when = median * hourMs < 60_000 ? 'at any time' : `around ${dayAndClockOf(middle)}`;
		const latest = Number.isFinite(high) ? `and ${at(high)}` : 'or later';
		return `Failure expected ${when}${how} (90 %: between ${at(low)} ${latest}), ${by}`;
	}
	const { within24h, within72h, within7d } = eventProbability!;
	const [hours, probability] =
		within24h >= 0.5 ? [24, within24h] : within72h >= 0.5 ? [72, within72h] : ([168, within7d] as const);
	const when =
		tellsUpToHours === 0
			? 'as it runs now'
			: `before ${dayAndClockOf(Math.floor((time + hours * hourMs) / hourMs) * hourMs)}`;
	return `Failure ${when} is ${probability >= 0.5 ? 'likely' : 'possible'} (${tenthWords(probability)})${how}, ${by}`;
}

function tenthWords(probability: number): string {
	return probability > 0.95 ? 'over 95 %' : `about ${Math.round(probability * 10) * 10} %`;
}

function dayAndClockOf(time: EpochMs): string {
	return `${dayOf(time)} ${clockOf(time)}`;
}

function dayOf(time: EpochMs): string {
	return new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}
