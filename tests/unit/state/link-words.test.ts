import { describe, expect, it } from 'vitest';
import type { LinkStatus } from '$lib/contracts';
import { linkWords, silentAfterMs } from '$lib/state/intake/link-words';

const now = 1_800_000_000_000;
const connected: LinkStatus = { state: 'connected', source: 'broker', connectedAt: now - 60_000, owner: true };

describe('the link in words', () => {
	it('gives the age of the last reading while data comes', () => {
		expect(linkWords(connected, now - 1_000, now)).toEqual({
			text: 'Connected \u2013 last reading 1 s ago',
			level: 'normal'
		});
	});
	it('never says connected alone while no data comes', () => {
		expect(linkWords(connected, now - silentAfterMs - 5_000, now).text).toBe(
			'Connected, but no data: nothing for 20 s'
		);
		expect(linkWords(connected, undefined, now).text).toBe('Connected, but no data: nothing has arrived yet');
		expect(linkWords({ ...connected, trouble: 'no-messages' }, undefined, now)).toMatchObject({
			text: 'Connected, but no data: nothing arrives on this topic filter',
			level: 'medium'
		});
	});
	it('allows a plant that reports slowly its usual silence', () => {
		expect(linkWords(connected, now - 60_000, now, 300_000).level).toBe('normal');
	});
	it('says why it is not connected and when it tries again', () => {
		const words = linkWords(
			{ state: 'reconnecting', source: 'broker', trouble: 'broker-unreachable', retryAt: now + 4_000, owner: true },
			now - 90_000,
			now
		);
		expect(words.text).toBe('Not connected: the broker cannot be reached, next try in 4 s');
		expect(words.level).toBe('medium');
	});
	it('is calm about an imported recording', () => {
		expect(linkWords({ state: 'idle', source: 'none', owner: true }, undefined, now)).toMatchObject({
			text: 'No live source',
			level: 'normal'
		});
	});
});
