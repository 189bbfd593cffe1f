/**
 * Page of the kill test: appends numbered readings for ever and says after each resolved append how far it is; or reads what is there.
 */
import { openStore } from '$lib/storage';

const sensor = 'hall/machine:count';
const STEP = 25;
const START = 1_763_856_000_000;

async function appendForEver(tell: (upTo: number) => void): Promise<void> {
	const store = await openStore('plant');
	const [slice] = await store.series.query({ sensorIds: [sensor], from: 0, to: 1e15 });
	for (let from = slice!.times.length; ; from += STEP) {
		await store.series.append({
			sensorIds: [sensor],
			series: new Uint32Array(STEP),
			times: Float64Array.from({ length: STEP }, (_, i) => START + from + i),
			values: Float64Array.from({ length: STEP }, (_, i) => from + i),
			qualities: new Uint8Array(STEP),
			receivedAt: Date.now()
		});
		tell(from + STEP);
		if ((from / STEP) % 20 === 19) void store.series.seal({ all: true });
	}
}

/** Rows of each object store as the browser kept them, before anything of ours has opened the database; empty: there is none. */
async function rowsKept(): Promise<Record<string, number>> {
	const [kept] = await indexedDB.databases();
	if (!kept) return {};
	const answer = <T>(request: IDBRequest<T>) =>
		new Promise<T>((resolve, reject) => {
			request.onsuccess = () => resolve(request.result);
			request.onerror = () => reject(new Error(String(request.error)));
		});
	const database = await answer(indexedDB.open(kept.name!));
	const rows: Record<string, number> = {};
	for (const name of database.objectStoreNames)
		rows[name] = await answer(database.transaction(name).objectStore(name).count());
	database.close();
	return rows;
}

/** Values in time order, and whether they count up from 0 without gap or double. */
async function readBack(): Promise<{ count: number; whole: boolean; unreadable: number; kept: object }> {
	const kept = await rowsKept();
	const store = await openStore('plant');
	const [slice] = await store.series.query({ sensorIds: [sensor], from: 0, to: 1e15 });
	const whole = slice!.mean.every((value, i) => value === i && slice!.times[i] === START + i);
	const { unreadable } = await store.series.statistics();
	store.close();
	return { count: slice!.times.length, whole, unreadable, kept };
}

Object.assign(window, { appendForEver, readBack });
