import { expect, test } from 'vitest';
import { trimmingAnnouncement, type StorageUse } from '$lib/state/app/system-health';

const storage = (daysUntilTrimming: number): StorageUse => ({
	used: 1,
	allowed: 2,
	persistent: false,
	daysUntilTrimming
});

test('the end of the room is announced a week ahead, with what will happen, and not before it is known', () => {
	expect(trimmingAnnouncement(storage(5.2))).toMatch(/^In about 5 days .* oldest raw readings will go/);
	expect(trimmingAnnouncement(storage(0.4))).toMatch(/^Within a day/);
	for (const days of [NaN, Infinity, 8, 0]) expect(trimmingAnnouncement(storage(days))).toBeUndefined();
	expect(trimmingAnnouncement(undefined)).toBeUndefined();
});
