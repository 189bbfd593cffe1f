/**
 * Prognostics: what a machine's day looks like to a model of failure probability. In: daily telemetry, errors, replacements and age of
 * one machine. Out: a row of features per day, which knows nothing later than the end of that day, and whether a failure followed.
 */

import type { MachineDays } from '../../contracts';

export type { MachineDays };

/** Days that short means and counts look back. */
const short = 3;
const week = 7;
/** Days that a machine's own normal level is taken from. */
const normalDays = 30;
/** Telemetry of more days ago changes nothing. */
export const daysLookedBack = normalDays;
/** Days since something that never happened. */
const longAgo = 365;

export function dayFeatureNames({ channelNames, errors, replacements, constants }: MachineDays): string[] {
	return [
		...channelNames.flatMap((name) => [name, `${name}, ${short} days`, `${name}, against its month`]),
		...errors.flatMap(({ kind }) => [`${kind} today`, `${kind}, ${short} days`, `${kind}, ${week} days`]),
		`errors, ${short} days`,
		...replacements.map(({ component }) => `days since ${component}`),
		'oldest component, days',
		'days since failure',
		...constants.map(({ name }) => name)
	];
}

/** [days, features], row-major, finite. */
export function dayFeatures(machine: MachineDays): Float64Array {
	const { telemetry, channelNames, days, errors, replacements, failures, constants } = machine;
	const channels = channelNames.length;
	const rows: number[] = [];
	for (let day = 0; day < days; day++) {
		const end = day + 1;
		for (let c = 0; c < channels; c++) {
			const mean = (from: number, to: number) => meanOf(telemetry, channels, c, Math.max(0, from), to);
			const today = mean(day, end);
			const usual = mean(end - normalDays, end - short);
			const level = Number.isNaN(usual) ? today : usual;
			const lately = mean(end - short, end);
			rows.push(orZero(today), orZero(lately), orZero(lately - level));
		}
		let lately = 0;
		for (const { at } of errors) {
			const count = (span: number) => countWithin(at, end - span, end);
			rows.push(count(1), count(short), count(week));
			lately += count(short);
		}
		rows.push(lately);
		const ages = replacements.map(({ at }) => since(at, end));
		rows.push(...ages, Math.max(0, ...ages), since(failures, end), ...constants.map(({ value }) => value));
	}
	return Float64Array.from(rows);
}

/** 1 where a failure follows within `horizon` days of the end of the day. */
export function failsWithin(failures: readonly number[], days: number, horizon: number): Uint8Array {
	return Uint8Array.from({ length: days }, (_, day) =>
		failures.some((at) => at > day + 1 && at <= day + 1 + horizon) ? 1 : 0
	);
}

function meanOf(telemetry: Float64Array, channels: number, channel: number, from: number, to: number): number {
	let [sum, count] = [0, 0];
	for (let day = from; day < to; day++) {
		const value = telemetry[day * channels + channel]!;
		if (Number.isNaN(value)) continue;
		sum += value;
		count++;
	}
	return sum / count;
}

const orZero = (value: number) => (Number.isNaN(value) ? 0 : value);
const countWithin = (at: readonly number[], after: number, upTo: number) =>
	at.reduce((count, time) => count + (time > after && time <= upTo ? 1 : 0), 0);

function since(at: readonly number[], now: number): number {
	let last = Number.NEGATIVE_INFINITY;
	for (const time of at) if (time <= now) last = Math.max(last, time);
	return Math.min(longAgo, now - last);
}
