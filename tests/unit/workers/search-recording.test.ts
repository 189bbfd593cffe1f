/** What was recorded, searched without a model: what stands out is found, and nothing in calm running; progress, cancel, too little. */
import { expect, test } from 'vitest';
import type { RecordingSearchRequest, SearchProgress } from '../../../src/lib/contracts';
import { searchRecording } from '../../../src/lib/workers/diagnosis/search-recording';
import { batchOf, openContext, type Row } from '../storage/open-store';

const start = 1_735_689_600_000;
const stepMs = 10_000;
const machineId = 'a/pump';
let state = 5;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);

/** Two sensors that swing; the flow drops for five minutes at row 2,400, the pressure a little later where they do so `together`; `oil` sent 20 values. */
async function recorded({ together = false } = {}) {
	const store = await openContext();
	const rows: Row[] = [];
	for (let r = 0; r < 3000; r++) {
		const fault = r >= 2400 && r < 2430 ? -6 : 0;
		const drop = together && r >= 2410 && r < 2440 ? -0.4 : 0;
		rows.push([`${machineId}:flow`, start + r * stepMs, 20 + Math.sin(r / 40) + 0.2 * uniform() + fault]);
		rows.push([`${machineId}:pressure`, start + r * stepMs, 3 + 0.1 * Math.sin(r / 40) + 0.02 * uniform() + drop]);
		if (r < 20) rows.push([`${machineId}:oil`, start + r * stepMs, r]);
	}
	await store.registry.upsert(
		[{ id: machineId, path: { area: 'a', machine: 'pump' }, origin: 'live', firstSeen: start }],
		['flow', 'pressure', 'oil'].map((name) => ({
			id: `${machineId}:${name}`,
			machineId,
			name,
			kind: 'other' as const,
			firstSeen: start
		}))
	);
	await store.series.append(batchOf(rows));
	return store;
}

const request = (basis: RecordingSearchRequest['basis']): RecordingSearchRequest => ({
	machineId,
	from: start,
	to: start + 3000 * stepMs,
	basis
});

const job = () => ({ signal: new AbortController().signal, onProgress: () => undefined });

test.each(['before', 'beginning'] as const)(
	'held against %s, the drop is found with its time and how far it went',
	async (basis) => {
		const store = await recorded();
		const heard: SearchProgress[] = [];
		const found = await searchRecording(store, request(basis), { ...job(), onProgress: (one) => heard.push(one) });
		expect(found).toMatchObject({ searched: 2, leftOut: ['oil'], values: 6000, tier: 'raw' });
		expect(found.moments.flatMap(({ findings }) => findings).map(({ sensorName }) => sensorName)).not.toContain(
			'pressure'
		);
		const [first] = found.moments[0]!.findings;
		expect(first).toMatchObject({ sensorName: 'flow' });
		expect(first.start).toBeGreaterThanOrEqual(start + 2395 * stepMs);
		expect(first.start).toBeLessThan(start + 2430 * stepMs);
		expect(first.value).toBeLessThan(first.lowest);
		expect(first.lowest).toBeGreaterThan(18);
		expect(first.beyond).toBeGreaterThan(1);
		expect(heard.map(({ sensorName }) => sensorName).sort()).toEqual(['flow', 'oil', 'pressure']);
		expect(heard.every(({ total }, i) => total === 3 && heard[i]!.done === i)).toBe(true);
	}
);

test('sensors that stand out at one time are one moment, the one that went farthest first', async () => {
	const store = await recorded({ together: true });
	const { moments } = await searchRecording(store, request('beginning'), job());
	const [moment] = moments;
	expect(moment!.findings.map(({ sensorName }) => sensorName)).toEqual(['flow', 'pressure']);
	const [flow, pressure] = moment!.findings;
	expect(flow.beyond).toBeGreaterThan(pressure!.beyond);
	expect(moment!.start).toBe(Math.min(flow.start, pressure!.start));
	expect(moment!.end).toBe(Math.max(flow.end, pressure!.end));
});

test('a search ends when it is cancelled', async () => {
	const store = await recorded();
	const abort = new AbortController();
	const searching = searchRecording(store, request('before'), {
		signal: abort.signal,
		onProgress: () => abort.abort()
	});
	await expect(searching).rejects.toMatchObject({ code: 'aborted' });
});

test('an empty span and too few values are said', async () => {
	const store = await recorded();
	await expect(searchRecording(store, { ...request('before'), to: start }, job())).rejects.toMatchObject({
		code: 'invalid-input'
	});
	await expect(searchRecording(store, { ...request('before'), to: start + 50 * stepMs }, job())).rejects.toMatchObject({
		code: 'not-enough-data',
		message: expect.stringContaining('choose a longer one') as string
	});
});
