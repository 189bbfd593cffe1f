/**
 * A real Mosquitto for tests: found on this machine, started on free ports with a WebSocket listener, killed at will.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of the executable, or undefined when there is none. */
export function findMosquitto(): string | undefined {
	const named = process.env['MOSQUITTO_PATH'];
	if (named) return existsSync(named) ? named : undefined;
	const folders = [
		...(process.env['PATH'] ?? '').split(delimiter),
		'/usr/sbin',
		'/usr/local/sbin',
		'/opt/homebrew/sbin'
	];
	return folders.map((folder) => join(folder, 'mosquitto')).find((place) => existsSync(place));
}
