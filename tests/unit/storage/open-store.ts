/** Stores on fake-indexeddb for unit tests: opened here, destroyed after each test. */
import 'fake-indexeddb/auto';
import { afterEach } from 'vitest';
import type { ReadingBatch } from '$lib/contracts';
import { openStore, type Store, type StoreOptions } from '$lib/storage';

const opened: Store[] = [];

/** A context of its own: call it twice for two tabs. */
export async function openContext(options: StoreOptions = {}): Promise<Store> {
	const store = await openStore('plant', { autoSeal: false, ...options });
	opened.push(store);
	return store;
}

afterEach(async () => {
	const stores = opened.splice(0);
	await stores[0]?.destroy();
	for (const store of stores) store.close();
});

export type Row = [sensor: string, time: number, value: number, quality?: number];

export function batchOf(rows: readonly Row[]): ReadingBatch {
	const sensorIds = [...new Set(rows.map(([sensor]) => sensor))];
	return {
		sensorIds,
		series: Uint32Array.from(rows, ([sensor]) => sensorIds.indexOf(sensor)),
		times: Float64Array.from(rows, ([, time]) => time),
		values: Float64Array.from(rows, ([, , value]) => value),
		qualities: Uint8Array.from(rows, ([, , , quality]) => quality ?? 0),
		receivedAt: 0
	};
}
