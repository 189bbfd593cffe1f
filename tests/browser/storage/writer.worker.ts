/** A second context for the storage tests: does to the store what the page asks, in a worker. */
import { openStore, type Store } from '$lib/storage';
import type { ReadingBatch, MachineRecord } from '$lib/contracts';

let store: Store | undefined;
self.onmessage = async ({
	data
}: MessageEvent<{ id: number; batch?: ReadingBatch; machine?: MachineRecord; seal?: boolean }>) => {
	try {
		store ??= await openStore('plant', { autoSeal: false });
		let result: unknown;
		if (data.batch) result = await store.series.append(data.batch);
		if (data.machine) await store.registry.upsert([data.machine], []);
		if (data.seal) result = await store.series.seal({ all: true });
		self.postMessage({ id: data.id, result });
	} catch (error) {
		self.postMessage({ id: data.id, error: String(error) });
	}
};
