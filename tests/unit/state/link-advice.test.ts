import { describe, expect, it } from 'vitest';
import { intakeReasons, type LinkStatus } from '$lib/contracts';
import { intakeWords } from '$lib/state/intake/intake-words';
import { addressTrouble, linkAdvice, shownAddress, suggestFilters, troubleAdvice } from '$lib/state/intake/link-advice';

const now = 1_000_000;
const connected: LinkStatus = { state: 'connected', source: 'broker', address: 'wss://broker:8884', owner: true };

describe('the link in words', () => {
	it('never says only "connected" while nothing has come', () => {
		expect(linkAdvice(connected, { now }).tone).toBe('waiting');
		expect(linkAdvice({ ...connected, lastMessageAt: now - 1 }, { now }).tone).toBe('ok');
		const silent = linkAdvice({ ...connected, trouble: 'no-messages' }, { now });
		expect(silent.tone).toBe('trouble');
		expect(silent.remedies.length).toBeGreaterThan(0);
	});

	it('has words of its own and a remedy for every trouble', () => {
		const headlines = Object.values(troubleAdvice).map((words) => words.headline);
		expect(new Set(headlines).size).toBe(headlines.length);
		for (const words of Object.values(troubleAdvice)) expect(words.remedies.length).toBeGreaterThan(0);
	});

	it('blames the network, not the broker, while the device is offline', () => {
		const status: LinkStatus = {
			...connected,
			state: 'reconnecting',
			trouble: 'broker-unreachable',
			retryAt: now + 4_200
		};
		expect(linkAdvice(status, { now, online: false }).headline).toBe('No network');
		expect(linkAdvice(status, { now, online: true }).headline).toBe('The broker does not answer');
		expect(linkAdvice(status, { now }).sentence).toContain('Next attempt in 5 s.');
	});

	it('says that there is no source', () => {
		expect(linkAdvice(undefined, { now }).tone).toBe('off');
		expect(linkAdvice({ state: 'idle', source: 'none', owner: true }, { now }).tone).toBe('off');
	});

	it('explains every intake reason', () => {
		for (const reason of intakeReasons) expect(intakeWords[reason].meaning).not.toBe('');
	});
});

describe('filters offered for the topics seen', () => {
	it('takes the levels that the topics of one root share', () => {
		expect(suggestFilters(['a/b/c', 'a/b/d', 'x/1'])).toEqual([
			{ filter: 'a/b/#', topics: 2 },
			{ filter: 'x/1', topics: 1 }
		]);
	});
	it('never ends a filter inside the last level, and knows when there are none', () => {
		expect(suggestFilters(['a/b', 'a/b/c'])).toEqual([{ filter: 'a/#', topics: 2 }]);
		expect(suggestFilters([])).toEqual([]);
	});
});

describe('addresses', () => {
	it('knows before trying that an https page may not open ws://, except to this computer', () => {
		expect(addressTrouble('ws://broker.plant:9001', true)).toBe('needs-wss');
		expect(addressTrouble('ws://localhost:9001', true)).toBeUndefined();
		expect(addressTrouble('wss://broker.plant', true)).toBeUndefined();
		expect(addressTrouble('ws://broker.plant', false)).toBeUndefined();
	});
	it('shows no credentials', () => {
		expect(shownAddress({ url: 'wss://user:secret@broker:8884/mqtt' })).toBe('wss://broker:8884/mqtt');
	});
});
