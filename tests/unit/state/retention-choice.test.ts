/** How long data is kept: coarser values never shorter than finer ones, and what a change deletes is said before. */
import { expect, test } from 'vitest';
import { keepFor, lossWords } from '$lib/state/app/retention-choice';
import { defaultRetention } from '$lib/storage';

test('a shorter age for readings leaves coarser values; one for values by hour shortens what is finer', () => {
	const month = keepFor(defaultRetention, 'raw', 30);
	expect(month).toEqual({ days: { raw: 30 }, shareOfQuota: defaultRetention.shareOfQuota });
	const hours = keepFor(keepFor(month, 'minute', 365), 'hour', 90);
	expect(hours.days).toEqual({ raw: 30, minute: 90, 'ten-minutes': 90, hour: 90 });
	// Longer for readings: what is coarser goes along.
	expect(keepFor(hours, 'raw', 180).days).toEqual({ raw: 180, minute: 180, 'ten-minutes': 180, hour: 180 });
	expect(keepFor(hours, 'raw', Infinity).days).toEqual({});
});

test('says what a change deletes, and nothing where nothing is deleted', () => {
	const month = keepFor(defaultRetention, 'raw', 30);
	expect(lossWords(defaultRetention, month)).toBe('Readings older than 30 days are deleted from this device for good.');
	expect(lossWords(month, defaultRetention)).toBeUndefined();
	expect(lossWords(month, keepFor(month, 'hour', 7))).toBe(
		'Readings older than 7 days are deleted from this device for good. Values by minute older than 7 days are deleted from this device for good. Values by hour older than 7 days are deleted from this device for good.'
	);
});
