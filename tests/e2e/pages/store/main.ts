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

/** Values in time order, and whether they count up from 0 without gap or double. */
async function readBack(): Promise<{ count: number; whole: boolean; unreadable: number }> {
	const store = await openStore('plant');
	const [slice] = await store.series.query({ sensorIds: [sensor], from: 0, to: 1e15 });
	const whole = slice!.mean.every((value, i) => value === i && slice!.times[i] === START + i);
	const { unreadable } = await store.series.statistics();
	store.close();
	return { count: slice!.times.length, whole, unreadable };
}

Object.assign(window, { appendForEver, readBack });
