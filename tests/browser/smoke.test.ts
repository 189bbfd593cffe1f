import { expect, test } from 'vitest';
import { machineIdOf } from '$lib/contracts';
test('runs in a real browser with IndexedDB', () => {
	expect(typeof indexedDB.open).toBe('function');
	expect(machineIdOf({ machine: 'a/b' })).toBe('a_b');
});
