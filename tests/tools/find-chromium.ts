/**
 * Finds a Chromium to test with: `CHROMIUM_PATH`, the system's, or one that Playwright has downloaded.
 * Fetching one where none is found is the job of `tests/tools/prepare.ts`.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const usualPlaces = [
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/usr/bin/google-chrome-stable',
	'/snap/bin/chromium',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'
];

/** Path of an executable, or undefined when there is none on this machine. */
export function findChromium(): string | undefined {
	const named = process.env['CHROMIUM_PATH'];
	if (named) return existsSync(named) ? named : undefined;
	const system = usualPlaces.find((place) => existsSync(place));
	if (system) return system;
	const downloaded = chromium.executablePath();
	return downloaded && existsSync(downloaded) ? downloaded : undefined;
}
