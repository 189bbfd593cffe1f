/** What was recorded, searched with and without a model: what stands out is found, and nothing in calm running; progress, cancel, too little. */
import { expect, test } from 'vitest';
import type { ModelPackage, RecordingSearchRequest, SearchProgress } from '../../../src/lib/contracts';
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

const job = () => ({
	signal: new AbortController().signal,
	onProgress: () => undefined,
	modelOf: () => Promise.resolve<ModelPackage | undefined>(undefined)
});

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
		...job(),
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

test('held against a model: what it did not expect is found, and a machine without one is told so', async () => {
	const store = await recorded({ together: true });
	await expect(searchRecording(store, request('model'), job())).rejects.toMatchObject({
		code: 'not-found',
		message: expect.stringContaining('has no model') as string
	});
	const heard: SearchProgress[] = [];
	const { moments, leftOut, basis } = await searchRecording(store, request('model'), {
		...job(),
		onProgress: (one) => heard.push(one),
		modelOf: () => Promise.resolve(steadyModel())
	});
	expect({ leftOut, basis }).toEqual({ leftOut: [], basis: 'model' });
	expect(moments).toHaveLength(1);
	const [flow, pressure] = moments[0]!.findings;
	expect([flow.sensorName, pressure!.sensorName].sort()).toEqual(['flow', 'pressure']);
	const drop = [flow, pressure!].find(({ sensorName }) => sensorName === 'flow')!;
	expect(drop.beyond).toBeGreaterThan(1);
	expect(drop.start).toBeLessThan(start + 2430 * stepMs);
	expect(drop.end).toBeGreaterThan(start + 2400 * stepMs);
	expect(drop.value).toBeLessThan(16);
	// It expects the means.
	expect((drop.lowest + drop.highest) / 2).toBeCloseTo(20, 5);
	expect(heard.every(({ sensorName, done, total }, i) => sensorName === undefined && done === i && total === 1)).toBe(
		true
	);
});

/** A network whose weights are all 0: it expects every sensor at its mean. */
function steadyModel(): ModelPackage {
	const sensorNames = ['flow', 'pressure'];
	const spec = { kind: 'lstm-predictor' as const, features: 2, units: [2], windowSteps: 33 };
	return {
		version: {
			id: 'steady',
			target: { machineId },
			origin: 'trained-here',
			createdAt: start,
			spec,
			stepMs,
			scaler: { sensorNames, mean: [20, 3], deviation: [0.7, 0.07] },
			calibration: { residualDeviation: [1, 1], residualMean: [0, 0], smoothing: 0.05, threshold: 1 },
			seed: 1,
			dataSpan: { from: start, to: start, description: '' },
			metrics: {
				...{ trainLoss: 0, validationLoss: 0, persistenceLoss: 0, epochs: 0, windows: 0, seconds: 0 },
				...{ backend: 'wasm', lossCurve: [], curveFloor: 0 }
			},
			weights: [],
			weightsSha256: ''
		},
		weights: new Float32Array(4 * 2 * (2 + 2 + 1) + 2 * 3).buffer
	};
}
