/** The inference worker on real IndexedDB and the real engine: faults are raised, healthy machines are left in peace. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
	derivedSeries,
	isLevelWatch,
	levelWatchKey,
	liveChannelName,
	sensorIdOf,
	type HealthReport,
	type LevelWatchRecord,
	type LiveMessage,
	type Prognosis
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { spawnInference } from '$lib/workers/inference.client';
import { openEmptyStore } from '../../tools/empty-store';
import type { InferenceApi } from '$lib/workers/inference.api';
import { recordKey, type ScoringRecord } from '$lib/workers/inference/scored-intervals';
import { plantOf, plantSensors, readingsOf, registerPlant } from '../../tools/simulated-plant';

const workspace = 'demo';
let store: Store;
let channel: BroadcastChannel;
let reports: HealthReport[];
let heard: ((reports: readonly HealthReport[]) => void)[];
let stop: () => Promise<void>;
let inference: Pick<InferenceApi, 'reloadModel'> | undefined;

beforeEach(async () => {
	store = await openEmptyStore(workspace);
	reports = [];
	heard = [];
	channel = new BroadcastChannel(liveChannelName(workspace));
	channel.onmessage = ({ data }: MessageEvent<LiveMessage>) => {
		if (data.kind !== 'verdicts') return;
		reports.push(...data.reports);
		heard.forEach((listener) => listener(data.reports));
	};
	stop = async () => undefined;
});

afterEach(async () => {
	await stop();
	channel.close();
	await store.destroy();
});

async function startScoring(): Promise<void> {
	const worker = spawnInference();
	await worker.api.start(workspace);
	inference = worker.api;
	stop = async () => {
		await worker.api.stop();
		worker.terminate();
		stop = async () => undefined;
	};
}

/** Resolves with the first report that fits, also one heard already. */
function report(fits: (report: HealthReport) => boolean): Promise<HealthReport> {
	const known = reports.find(fits);
	if (known) return Promise.resolve(known);
	return new Promise((resolve) => {
		heard.push((list) => {
			const found = list.find(fits);
			if (found) resolve(found);
		});
	});
}

/** Until it is judged, a machine is reported as of now, in an unknown mode. */
const isJudged = ({ mode }: HealthReport) => mode !== 'unknown';

function alarms(fits: (reason: string) => boolean): Promise<void> {
	return new Promise((resolve) => {
		const unwatch = store.alarms.watch((list) => {
			if (!list.some(({ reason }) => fits(reason))) return;
			resolve();
			queueMicrotask(() => unwatch());
		});
	});
}

const scores = async (machineId: string, to: number) =>
	(await store.series.query({ sensorIds: [sensorIdOf(machineId, derivedSeries.score)], from: 0, to }))[0]!;

/** Until when the worker has noted that the machine has been judged. */
const scoredTo = async (machineId: string) =>
	(await store.settings.get<ScoringRecord>(recordKey(machineId)))?.intervals.at(-1)?.[1];

describe('the inference worker', () => {
	it('raises an alarm for an injected fault, names the sensor, expects the failure, and none for the healthy machine beside it', async () => {
		const now = Date.now();
		const plant = plantOf({
			machines: 2,
			classes: ['centrifugal-pump'],
			scenario: [{ machine: 0, fault: 'bearing-wear', onset: 6, growth: 18 }],
			startTime: now - 25 * 60_000
		});
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 5 * 60));
		await startScoring();
		const [faulty, healthy] = plant.machines.map(({ machineId }) => machineId) as [string, string];
		await report(({ machineId }) => machineId === healthy);
		const raised = alarms((reason) => / is high: /.test(reason));
		const foreseen = alarms((reason) => /^Failure expected/.test(reason));
		for (let minute = 0; minute < 18; minute++) {
			const batch = readingsOf(plant, 60);
			await store.series.append(batch);
			channel.postMessage({ kind: 'readings', batch } satisfies LiveMessage);
		}
		await report((r) => r.machineId === healthy && r.time >= plant.time);
		await raised;
		await foreseen;
		await stop();
		const all = await store.alarms.open();
		const open = all.filter(({ kind }) => kind === 'anomaly');
		expect(open.map(({ machineId }) => machineId)).toEqual([faulty]);
		const expected = all.filter(({ kind }) => kind === 'failure-expected');
		expect(expected).toMatchObject([{ machineId: faulty, priority: 'high', modelId: open[0]!.modelId }]);
		expect(expected[0]!.reason).toMatch(
			/most likely bearing wear .* lives that ended in failure, shipped with its model/
		);
		expect(open[0]!.reason).toMatch(/^(Vibration|Bearing temperature) is high: .* (mm\/s|°C)/);
		expect(open[0]!.state).toBe('unacknowledged');
		const fault = plant.groundTruth().find(({ machineId }) => machineId === faulty)!;
		expect(open[0]!.since).toBeGreaterThan(fault.onset);
		expect(open[0]!.since).toBeLessThan(fault.timeOfEvent);
		const spans = await store.spans.list({ machineId: healthy, from: 0, to: now });
		expect(spans).toEqual([]);
	});

	/** A healthy motor whose twenty minutes have been judged, by a worker that has ended since. */
	async function judgedAndStopped() {
		const plant = plantOf({
			machines: 1,
			classes: ['electric-motor'],
			scenario: 'healthy',
			startTime: Date.now() - 40 * 60_000
		});
		const [machineId] = plant.machines.map((machine) => machine.machineId) as [string];
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 20 * 60));
		await startScoring();
		await report((r) => r.machineId === machineId && r.time >= plant.time && isJudged(r));
		await stop();
		return { plant, machineId };
	}

	it('judges every machine of a plant that is too large to be prepared at once, and goes on with each after a restart', async () => {
		const machines = 70;
		const plant = plantOf({ machines, scenario: 'healthy', startTime: Date.now() - 4 * 60_000 });
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 3 * 60));
		const allJudged = () => {
			const judged = new Set<string>();
			return report((r) => {
				if (isJudged(r) && r.time >= plant.time) judged.add(r.machineId);
				return judged.size === machines;
			});
		};
		await startScoring();
		await allJudged();
		await stop();
		for (const { machineId } of plant.machines) expect(await scoredTo(machineId)).toBe(plant.time);

		await store.series.append(readingsOf(plant, 10));
		reports.length = 0;
		await startScoring();
		await allJudged();
		await stop();
		for (const { machineId } of plant.machines) {
			expect(await scoredTo(machineId)).toBe(plant.time);
			const { times } = await scores(machineId, plant.time);
			expect(new Set(times).size).toBe(times.length);
		}
	});

	it('scores stored history on its own and no row twice after a restart', async () => {
		const { plant, machineId } = await judgedAndStopped();
		await store.series.append(readingsOf(plant, 5 * 60));
		reports.length = 0;
		await startScoring();
		await report((r) => r.machineId === machineId && r.time >= plant.time && isJudged(r));
		// The last ten minutes come first, what is older in the background.
		const scored = async () => (await scores(machineId, plant.time)).times.length;
		await expect.poll(scored, { timeout: 60_000 }).toBeGreaterThan(12 * 60);
		await stop();
		const { times } = await scores(machineId, plant.time);
		expect(new Set(times).size).toBe(times.length);
		expect(times[times.length - 1]).toBe(plant.time);
	});

	it('rests its prognosis on the scores stored before a restart', async () => {
		const { plant, machineId } = await judgedAndStopped();
		await store.series.append(readingsOf(plant, 30));
		const said = new Promise<Prognosis>((resolve) => {
			channel.addEventListener('message', ({ data }: MessageEvent<LiveMessage>) => {
				const found =
					data.kind === 'verdicts' && data.prognoses?.find((prognosis) => prognosis.machineId === machineId);
				if (found) resolve(found);
			});
		});
		await startScoring();
		expect((await said).missing ?? '').not.toContain('Not enough scored running');
	});

	it('lets the demo make its history first, and judges its machines once it is live', async () => {
		const plant = plantOf({ classes: ['electric-motor'], scenario: 'healthy', startTime: Date.now() - 20 * 60_000 });
		const link = (state: 'connecting' | 'connected') =>
			channel.postMessage({
				kind: 'link',
				status: { state, source: 'demo', owner: true, fillingHistory: state === 'connecting' }
			} satisfies LiveMessage);
		const status = () =>
			new Promise<void>((resolve) => {
				const hear = ({ data }: MessageEvent<LiveMessage>) => {
					if (data.kind !== 'inference') return;
					channel.removeEventListener('message', hear);
					resolve();
				};
				channel.addEventListener('message', hear);
			});
		await startScoring();
		await status();
		link('connecting');
		await status();
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 15 * 60));
		await status();
		expect(reports.filter(isJudged)).toEqual([]);
		await store.series.append(readingsOf(plant, 4 * 60));
		link('connected');
		const judged = await report(isJudged);
		expect(judged.machineId).toBe(plant.machines[0]!.machineId);
	});

	it('takes no standing fault for health where it begins to judge', async () => {
		const plant = plantOf({
			machines: 1,
			classes: ['centrifugal-pump'],
			scenario: [{ machine: 0, fault: 'bearing-wear', onset: 2, growth: 25 }],
			startTime: Date.now() - 60 * 60_000
		});
		const machineId = plant.machines[0]!.machineId;
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 30 * 60));
		await startScoring();
		await report((r) => r.machineId === machineId && r.time >= plant.time && isJudged(r));
		await stop();
		const { times, mean } = await scores(machineId, plant.time);
		const standing = mean.filter((score, i) => times[i]! > plant.time - 14 * 60_000 && !Number.isNaN(score));
		expect(standing.length).toBeGreaterThan(300);
		expect(Math.min(...standing)).toBeGreaterThan(1);
	});

	it('says that there is no model for a machine of unknown class, and gives no score', async () => {
		const plant = plantOf({ machines: 1, scenario: 'healthy', startTime: Date.now() - 600_000 });
		const [machine] = plant.machines;
		await store.registry.upsert(
			[{ id: machine!.machineId, path: { machine: 'x' }, origin: 'live', firstSeen: plant.time }],
			[]
		);
		await store.series.append(readingsOf(plant, 100));
		await startScoring();
		const found = await report(({ machineId }) => machineId === machine!.machineId);
		expect(found.unscored).toBe('no-model');
		expect(found.score).toBeNaN();
		await stop();
		expect((await scores(machine!.machineId, plant.time))?.times.length ?? 0).toBe(0);
	});

	it('watches the levels of a machine without a model once it has run for two hours, through a restart, until started anew', async () => {
		const plant = plantOf({
			machines: 1,
			classes: ['centrifugal-pump'],
			scenario: [{ machine: 0, fault: 'bearing-wear', onset: 156, growth: 18 }],
			startTime: Date.now() - 175 * 60_000
		});
		const [machineId] = plant.machines.map((machine) => machine.machineId) as [string];
		await registerPlant(store, plant);
		const [machine] = await store.registry.machines();
		await store.registry.remove(machineId);
		await store.registry.upsert([{ ...machine!, machineClass: undefined }], plantSensors(plant));
		await store.series.append(readingsOf(plant, 90 * 60));
		await startScoring();
		const waiting = await report((r) => (r.learning?.rows ?? 0) > 0);
		expect(waiting).toMatchObject({ unscored: 'no-model', learning: { neededRows: 7200, stepMs: 1000 } });
		expect(waiting.learning!.rows).toBeLessThanOrEqual(90 * 60);
		await stop();
		await store.series.append(readingsOf(plant, 62 * 60));
		await startScoring();
		const learnt = await report((r) => isLevelWatch(r.modelId) && isJudged(r));
		await stop();
		reports.length = 0;
		await store.series.append(readingsOf(plant, 22 * 60));
		await startScoring();
		const unwell = await report((r) => r.anomalous);
		expect(unwell.modelId).toBe(learnt.modelId);
		expect(unwell.contributors.slice(0, 2).map(({ sensorName }) => sensorName)).toContain('vibration');
		await alarms((reason) => /vibration|bearing/i.test(reason));
		await store.settings.set(levelWatchKey(machineId), { format: 1, since: Date.now() } satisfies LevelWatchRecord);
		await inference!.reloadModel(machineId);
		const anew = await report((r) => r.learning !== undefined && r.modelId === undefined);
		expect(anew.learning!.rows).toBe(0);
	});

	it("goes on with the others when one machine's model is damaged, and says what is wrong", async () => {
		const plant = plantOf({
			machines: 2,
			classes: ['air-compressor'],
			scenario: 'healthy',
			startTime: Date.now() - 300_000
		});
		const [broken, fine] = plant.machines.map(({ machineId }) => machineId) as [string, string];
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 290));
		await startScoring();
		const first = await report((r) => r.machineId === broken && r.modelId !== undefined);
		const good = await store.models.load(first.modelId!);
		await store.models.save({
			version: { ...good.version, id: 'damaged', target: { machineId: broken } },
			weights: new ArrayBuffer(good.weights.byteLength)
		});
		const problem = new Promise<string>((resolve) => {
			const listener = ({ data }: MessageEvent<LiveMessage>) => {
				if (data.kind === 'inference' && data.status.problem) resolve(data.status.problem);
			};
			channel.addEventListener('message', listener);
		});
		await store.models.assign(broken, 'damaged');
		expect(await problem).toContain('damaged');
		await report((r) => r.machineId === broken && r.unscored === 'no-model');
		reports.length = 0;
		const batch = readingsOf(plant, 5);
		await store.series.append(batch);
		channel.postMessage({ kind: 'readings', batch } satisfies LiveMessage);
		expect((await report((r) => r.machineId === fine && r.time === plant.time)).modelId).toBe(first.modelId);
		// Put back, it is scored again.
		await store.models.assign(broken, undefined);
		await report((r) => r.machineId === broken && r.modelId === first.modelId && r.time === plant.time);
	});

	it('catches up with readings that were stored without a word', async () => {
		const plant = plantOf({
			machines: 1,
			classes: ['cnc-spindle'],
			scenario: 'healthy',
			startTime: Date.now() - 900_000
		});
		const machineId = plant.machines[0]!.machineId;
		await registerPlant(store, plant);
		await store.series.append(readingsOf(plant, 300));
		await startScoring();
		await report((r) => r.machineId === machineId && r.time === plant.time);
		await store.series.append(readingsOf(plant, 200));
		await report((r) => r.machineId === machineId && r.time === plant.time);
	});
});
