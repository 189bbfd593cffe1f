/**
 * How numbers, times and spans are put into words on screens. In: plain numbers. Out: text with units, never a guess.
 */
import { sentence, spokenName, type EpochMs } from '../contracts';

export { sentence };

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockShort = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayTime = new Intl.DateTimeFormat('en-GB', {
	day: 'numeric',
	month: 'short',
	hour: '2-digit',
	minute: '2-digit'
});
const dayYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const dayYearTime = new Intl.DateTimeFormat('en-GB', {
	day: 'numeric',
	month: 'short',
	year: 'numeric',
	hour: '2-digit',
	minute: '2-digit'
});

/** "14:02:11" today, "3 Mar, 14:02" this year, "3 Mar 2021, 14:02" before. */
export function formatTime(time: EpochMs, now: EpochMs = Date.now()): string {
	const [from, to] = dayOf(now);
	if (time >= from && time < to) return clockTime.format(time);
	return new Date(time).getFullYear() === new Date(now).getFullYear() ? dayTime.format(time) : dayYearTime.format(time);
}

/** Kept, as a large plant's screen asks thousands of times a second. */
let lastDay: readonly [from: EpochMs, to: EpochMs] = [0, 0];

/** The local day in which `now` lies. */
function dayOf(now: EpochMs): readonly [from: EpochMs, to: EpochMs] {
	if (now < lastDay[0] || now >= lastDay[1]) {
		const from = new Date(now).setHours(0, 0, 0, 0);
		const next = new Date(from);
		lastDay = [from, next.setDate(next.getDate() + 1)];
	}
	return lastDay;
}

/** With its day whatever the day: "3 Mar 2026, 14:02", for what is not of the moment, such as a span of data. */
export function formatDateTime(time: EpochMs): string {
	return dayYearTime.format(time);
}

/** "3 Mar 2021": for what happened on a day, such as the making of a model. */
export function formatDate(time: EpochMs): string {
	return dayYear.format(time);
}

/** "14:02". */
export function formatClock(time: EpochMs): string {
	return clockShort.format(time);
}

/** A span in its largest fitting unit: "1 s", "4 min", "3 h", "2 d". Milliseconds in. */
export function formatDuration(ms: number): string {
	if (!Number.isFinite(ms)) return '–';
	const seconds = Math.max(0, Math.round(ms / 1000));
	if (seconds < 100) return `${seconds} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 100) return `${minutes} min`;
	const hours = Math.round(minutes / 60);
	if (hours < 48) return `${hours} h`;
	return `${Math.round(hours / 24)} d`;
}

/** Age of a moment: "just now", "4 s ago", "3 h ago". A moment slightly ahead of this clock is "just now". */
export function formatAge(time: EpochMs, now: EpochMs): string {
	const age = now - time;
	return age < 1_000 ? 'just now' : `${formatDuration(age)} ago`;
}

/**
 * A value to the sensor's resolution, or to about four significant digits when it has none. "–" when there is no value.
 */
export function formatValue(value: number | undefined, resolution?: number): string {
	if (value === undefined || !Number.isFinite(value)) return '–';
	const decimals = decimalsFor(value, resolution);
	const text = value.toFixed(decimals);
	return Number(text) === 0 ? (0).toFixed(decimals) : text.replace('-', '\u2212');
}

/** The same with its unit; without one when the source stated none. */
export function formatQuantity(value: number | undefined, unit?: string, resolution?: number): string {
	// "1" is how a quantity without a unit is written (UCUM).
	return unit && unit !== '1'
		? `${formatValue(value, resolution)} ${formatUnit(unit)}`
		: formatValue(value, resolution);
}

/** A unit as it is written by hand: powers of lengths and times raised ("m/s2" is m/s², "m3/h" m³/h), UCUM's "Cel" as °C. */
export function formatUnit(unit: string): string {
	return unit
		.replace(/(?<![A-Za-z])(mm|cm|dm|m|km|s|ft|in)([23])(?![A-Za-z0-9])/g, (_, base: string, power: string) =>
			base.concat(power === '2' ? '²' : '³')
		)
		.replace(/^(Cel|degC)$/, '°C')
		.replace(/^degF$/, '°F');
}

export function decimalsFor(value: number, resolution?: number): number {
	if (resolution !== undefined && resolution > 0)
		return Math.min(6, Math.max(0, Math.ceil(-Math.log10(resolution) - 1e-9)));
	const magnitude = Math.abs(value);
	if (magnitude === 0) return 1;
	return Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(magnitude))));
}

/** 0.034 -> "3.4 %". */
export function formatShare(share: number, decimals = 0): string {
	return Number.isFinite(share) ? `${(share * 100).toFixed(decimals)} %` : '–';
}

/** Bytes in powers of 1000: "12.4 MB". */
export function formatBytes(bytes: number): string {
	if (!Number.isFinite(bytes)) return '–';
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let value = bytes;
	let unit = 0;
	while (value >= 1000 && unit < units.length - 1) {
		value /= 1000;
		unit += 1;
	}
	return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
	return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}

/** A sensor's name as a heading: "bearingTemperature" reads "Bearing temperature". */
export const sensorLabel = (name: string): string => sentence(spokenName(name));
