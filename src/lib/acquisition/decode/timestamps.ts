/**
 * Data Acquisition, decoding: the time a source states, in whatever form.
 *
 * In: a number or text, and when the message came. Out: epoch milliseconds or undefined. Epochs are told apart by size:
 * seconds, milliseconds, microseconds or nanoseconds all land between 1990 and 2100.
 */
import type { EpochMs } from '../../contracts';
import { parseNumericText } from './numbers';

const FIRST_SECOND = 631_152_000; // 1990-01-01
const LAST_SECOND = 4_102_444_800; // 2100-01-01

export function fromEpochNumber(value: number): EpochMs | undefined {
	if (value >= FIRST_SECOND && value < LAST_SECOND) return value * 1e3;
	if (value >= FIRST_SECOND * 1e3 && value < LAST_SECOND * 1e3) return value;
	if (value >= FIRST_SECOND * 1e6 && value < LAST_SECOND * 1e6) return value / 1e3;
	if (value >= FIRST_SECOND * 1e9 && value < LAST_SECOND * 1e9) return value / 1e6;
	// A clock that was never set: 1970 to 1989 in seconds is told from a small count by the caller.
	return undefined;
}

const ISO =
	/^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|z|UTC|[+-]\d\d:?\d\d|[+-]\d\d)?$/;

/**
 * ISO 8601 as machines write it: space or T, comma or point, zone with or without colon.
 * A time without zone is read as UTC, unless this device's local time brings it much nearer to `nearTo` (within a day).
 */
export function fromIsoText(text: string, nearTo: EpochMs | undefined): EpochMs | undefined {
	const match = ISO.exec(text.trim());
	if (!match) return undefined;
	const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(match[i] ?? 0)) as number[];
	if (month! < 1 || month! > 12 || day! < 1 || day! > daysIn(year!, month!)) return undefined;
	if (hour! > 24 || minute! > 59 || second! > 60) return undefined;
	const fraction = match[7] ? Number(`0.${match[7]}`) * 1000 : 0;
	const utc = Date.UTC(year!, month! - 1, day!, hour, minute, second) + fraction;
	const zone = match[8];
	if (zone === undefined) {
		if (nearTo === undefined || match[4] === undefined || Math.abs(utc - nearTo) > 86_400_000) return utc;
		const local = new Date(year!, month! - 1, day!, hour, minute, second).getTime() + fraction;
		return Math.abs(local - nearTo) < Math.abs(utc - nearTo) ? local : utc;
	}
	return utc - zoneOffsetMs(zone);
}

function daysIn(year: number, month: number): number {
	return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function zoneOffsetMs(zone: string): number {
	if (zone === 'Z' || zone === 'z' || zone === 'UTC') return 0;
	const digits = zone.slice(1).replace(':', '');
	const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
	return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

export function parseTimestamp(value: unknown, receivedAt: EpochMs | undefined): EpochMs | undefined {
	if (typeof value === 'number') return fromEpochNumber(value);
	if (typeof value !== 'string' || value.length > 64) return undefined;
	const iso = fromIsoText(value, receivedAt);
	if (iso !== undefined) return iso;
	const number = parseNumericText(value);
	if (number !== undefined) return fromEpochNumber(number);
	// RFC 2822 and the like; Date.parse alone would also read "1" or "pump 3" as a date.
	if (/[a-z]{3}/i.test(value) && /\d{4}/.test(value) && /\d:\d/.test(value)) {
		const parsed = Date.parse(value);
		return Number.isNaN(parsed) ? undefined : parsed;
	}
	return undefined;
}

/** Field names that state the time, lower case without '_', '-' and '@'. */
const CERTAIN = new Set([
	'ts',
	'timestamp',
	'datetime',
	'sourcetimestamp',
	'eventtime',
	'measuredat',
	'sampledat',
	'sampletime',
	'timestampms',
	'tsms',
	'timeutc',
	'utc',
	'epoch',
	'epochms'
]);
/** Names that may as well be something else ("t" is a temperature to many): a time only if the value is one. */
const POSSIBLE = new Set(['t', 'time', 'date', 'at', 'tst', 'created', 'createdat', 'receivedat', 'bt']);

export type TimeFieldKind = 'certain' | 'possible' | undefined;

const known = new Map<string, TimeFieldKind>();

export function timeFieldKind(name: string): TimeFieldKind {
	if (name.length > 20) return undefined;
	if (known.has(name)) return known.get(name);
	const plain = name.toLowerCase().replace(/[_@\-. ]/g, '');
	const kind = CERTAIN.has(plain) ? 'certain' : POSSIBLE.has(plain) ? 'possible' : undefined;
	if (known.size < 5_000) known.set(name, kind);
	return kind;
}
