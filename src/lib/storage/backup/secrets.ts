/**
 * Storage, backup: what of the settings stays on its own tablet. Passwords go into no file, and an MQTT session belongs to one client:
 * two tablets with one client id would throw each other off the broker.
 */
import type { SourceSettings } from '../../contracts';

export interface SettingRow {
	key: string;
	value: unknown;
}

const SOURCE = 'source';
const OWN_TO_THE_TABLET = ['value:mqtt-session'];

/** The row as it may leave the tablet; undefined: not at all. */
export function withoutSecrets(row: SettingRow): SettingRow | undefined {
	if (OWN_TO_THE_TABLET.includes(row.key)) return undefined;
	if (row.key !== SOURCE || !isBroker(row.value)) return row;
	const { password: _password, ...broker } = row.value.broker;
	return { key: row.key, value: { ...row.value, broker: { ...broker, url: withoutUserInfo(broker.url) } } };
}

/** A row from a backup as it fits this tablet, whose own settings were `present`: its password for the same broker stays. */
export function withOwnSecrets(row: SettingRow, present: readonly SettingRow[]): SettingRow {
	if (row.key !== SOURCE || !isBroker(row.value)) return row;
	const mine = present.find(({ key }) => key === SOURCE)?.value;
	const { broker } = row.value;
	if (!isBroker(mine) || withoutUserInfo(mine.broker.url) !== broker.url || mine.broker.username !== broker.username)
		return row;
	const { url, password } = mine.broker;
	return {
		key: row.key,
		value: { ...row.value, broker: { ...broker, url, ...(password === undefined ? {} : { password }) } }
	};
}

/** Rows of this tablet that a restored workspace keeps. */
export function ownRows(present: readonly SettingRow[]): SettingRow[] {
	return present.filter(({ key }) => OWN_TO_THE_TABLET.includes(key));
}

function isBroker(value: unknown): value is Extract<SourceSettings, { kind: 'broker' }> {
	return (value as SourceSettings | undefined)?.kind === 'broker';
}

function withoutUserInfo(url: string): string {
	return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
}
