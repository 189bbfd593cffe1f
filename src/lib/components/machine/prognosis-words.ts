/** A prognosis in words. In: remaining life and what drives the score. Out: sentences and figures for a person. */
import type { HealthReport, RiskOfMachine, SensorRecord } from '$lib/contracts';
import { formatDuration, formatShare, sensorLabel } from '$lib/words';

const hourMs = 3_600_000;

/** "Health reaches its limit in 5 h (3 h to 9 h)", or "Fails in 5 h ...". */
export function lifeWords(
	{ median, low, high }: { median: number; low: number; high: number },
	event: 'limit' | 'failure' = 'limit'
): string {
	if (median <= 0) return event === 'limit' ? 'Health has reached its limit' : 'Looks like machines at their failure';
	const span = (hours: number) => formatDuration(hours * hourMs);
	const to = Number.isFinite(high) ? `to ${span(high)}` : 'or more';
	return `${event === 'limit' ? 'Health reaches its limit' : 'Fails'} in ${span(median)} (${span(low)} ${to})`;
}

/** Never 0 or 100 %: neither is ever known. `atLeast`: it is a lower bound. */
export function formatProbability(probability: number, atLeast = false): string {
	if (!Number.isFinite(probability)) return formatShare(probability);
	if (probability > 0.99) return '> 99 %';
	if (atLeast) return probability < 0.01 ? 'not told' : `\u2265 ${formatShare(probability)}`;
	return probability < 0.01 ? '< 1 %' : formatShare(probability);
}

/** "18 h (6 h to 30 h)", or "at least 4 d". */
export function spanWords({ median, low, high }: { median: number; low: number; high: number }): string {
	const span = (hours: number) => formatDuration(hours * hourMs);
	return Number.isFinite(high) ? `${span(median)} (${span(low)} to ${span(high)})` : `at least ${span(low)}`;
}

/** "Failure within 7 d: 62 %, a visit is worth it", or of a model that only knows the present "Failure as it runs: 62 %". */
export function riskWords({ prognosis, visit }: RiskOfMachine): string {
	const { eventProbability, tellsUpToHours = Infinity } = prognosis;
	if (!eventProbability) return '';
	const when = tellsUpToHours === 0 ? 'as it runs' : 'within 7 d';
	const probability = formatProbability(eventProbability.within7d, tellsUpToHours > 0 && tellsUpToHours < 168);
	return `Failure ${when}: ${probability}${visit ? ', a visit is worth it' : ''}`;
}

/** "Driven by vibration (64 %) and bearing temperature (21 %)"; empty when nothing stands out. */
export function driverWords(report: HealthReport | undefined, sensors: readonly SensorRecord[]): string {
	const known = new Set(sensors.map(({ name }) => name));
	const top = (report?.contributors ?? []).filter(({ sensorName, share }) => known.has(sensorName) && share >= 0.15);
	if (top.length === 0) return '';
	const names = top
		.slice(0, 2)
		.map(({ sensorName, share }) => `${sensorLabel(sensorName).toLowerCase()} (${formatShare(share)})`);
	return `Driven by ${names.join(' and ')}.`;
}
