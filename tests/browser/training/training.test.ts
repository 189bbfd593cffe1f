/** The training worker on real IndexedDB and the real engine: a version is trained, saved and put in use; cancel leaves things be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
	backendReportKey,
	enginePurposes,
	liveChannelName,
	sensorIdOf,
	type BackendReport,
	type LiveMessage,
	type MachineId,
	type TrainingProgress
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { spawnInference } from '$lib/workers/inference.client';
import { spawnTraining } from '$lib/workers/training.client';
import { openEmptyStore } from '../../tools/empty-store';
import { plantOf, readingsOf, registerPlant } from '../../tools/simulated-plant';

const workspace = 'plant';
let store: Store;
let machineId: MachineId;
let worker: ReturnType<typeof spawnTraining>;

beforeEach(async () => {
	store = await openEmptyStore(workspace);
	const plant = plantOf({ classes: ['electric-motor'], scenario: 'healthy', startTime: Date.now() - 20 * 60_000 });
	machineId = plant.machines[0]!.machineId;
	await registerPlant(store, plant, 'live');
	await store.series.append(readingsOf(plant, 500));
	worker = spawnTraining();
	await worker.api.start(workspace);
});

afterEach(async () => {
	worker.terminate();
	await store.destroy();
});

const request = async (maxEpochs: number) => {
	const proposal = await worker.api.propose(machineId);
	return { ...proposal, seed: 3, maxEpochs };
};

/** Whether a whole epoch of the job is on disk. */
async function isCheckpointStored(jobId: string): Promise<boolean> {
	const database = await new Promise<IDBDatabase>((resolve, reject) => {
		const opening = indexedDB.open(`millwright-${workspace}`);
		opening.onsuccess = () => resolve(opening.result);
		opening.onerror = () => reject(opening.error);
	});
	try {
		return await new Promise<boolean>((resolve, reject) => {
			const counting = database.transaction('checkpoints').objectStore('checkpoints').index('jobId').count(jobId);
			counting.onsuccess = () => resolve(counting.result > 0);
			counting.onerror = () => reject(counting.error);
		});
	} finally {
		database.close();
	}
}

describe('the training worker', () => {
	it('proposes stored running, trains on it with progress, saves the version and puts it in use', async () => {
		const proposal = await request(6);
		expect(proposal.enough).toBe(true);
		expect(proposal.rows).toBeGreaterThan(400);
		expect(proposal.sensorNames).toContain('vibration');
		expect(proposal.reason).not.toBe('');
		const progress: TrainingProgress[] = [];
		const version = await worker.api.train('job-1', proposal, (step) => progress.push(step));
		expect(new Set(progress.map(({ phase }) => phase))).toEqual(
			new Set(['loading', 'training', 'calibrating', 'saving'])
		);
		expect(progress.every(({ fraction }, i) => i === 0 || fraction >= progress[i - 1]!.fraction)).toBe(true);
		expect(version.metrics.lossCurve.length).toBeGreaterThan(0);
		expect(version.metrics.validationLoss).toBeLessThan(1);
		expect(version.seed).toBe(3);
		expect(version.dataSpan.from).toBeGreaterThanOrEqual(proposal.from);
		expect(await store.models.assignment(machineId)).toBe(version.id);
		const kept = await store.models.load(version.id);
		expect(kept.weights.byteLength).toBe(
			4 * version.weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
		);

		// The scoring worker, running since before, takes the new version up by itself.
		await store.models.assign(machineId, undefined);
		const channel = new BroadcastChannel(liveChannelName(workspace));
		const used = new Promise<void>((resolve) => {
			channel.onmessage = ({ data }: MessageEvent<LiveMessage>) => {
				if (data.kind === 'verdicts' && data.reports.some(({ modelId }) => modelId === version.id)) resolve();
			};
		});
		const scoring = spawnInference();
		await scoring.api.start(workspace);
		await store.models.assign(machineId, version.id);
		await used;
		await scoring.api.stop();
		scoring.terminate();
		channel.close();
	});

	it('proposes to leave out a counter, and says so', async () => {
		const { sensorNames } = await worker.api.propose(machineId);
		const known = await store.series.query({
			sensorIds: [sensorIdOf(machineId, sensorNames[0]!)],
			from: 0,
			to: Date.now()
		});
		const { times } = known[0]!;
		const id = sensorIdOf(machineId, 'operating_hours');
		await store.registry.upsert(
			[],
			[{ id, machineId, name: 'operating_hours', unit: 'h', kind: 'other', firstSeen: times[0]! }]
		);
		await store.series.append({
			sensorIds: [id],
			series: new Uint32Array(times.length),
			times: Float64Array.from(times),
			values: Float64Array.from(times, (_, i) => 4_000 + i / 36),
			qualities: new Uint8Array(times.length),
			receivedAt: Date.now()
		});
		const proposal = await worker.api.propose(machineId);
		expect(proposal.sensorNames).toEqual(sensorNames);
		expect(proposal.leftOut).toEqual([{ sensorName: 'operating_hours', why: 'counter' }]);
	});

	it('cancel rejects with "aborted" and leaves the version in use and the list of versions as they were', async () => {
		const proposal = await request(200);
		let cancelled = false;
		const training = worker.api.train('job-2', proposal, ({ phase }) => {
			if (phase !== 'training' || cancelled) return;
			cancelled = true;
			void worker.api.cancel('job-2');
		});
		await expect(training).rejects.toMatchObject({ code: 'aborted' });
		expect(await store.models.versions()).toEqual([]);
		expect(await store.models.assignment(machineId)).toBeUndefined();
		// And the worker is ready for the next one.
		expect((await worker.api.train('job-3', { ...proposal, maxEpochs: 1 }, () => undefined)).metrics.epochs).toBe(1);
	});

	it('a training that was cancelled in storage saves nothing, though its worker never heard of it', async () => {
		const proposal = await request(3);
		let outcome: Promise<string> | undefined;
		const training = worker.api.train('job-4', proposal, ({ phase }) => {
			if (phase === 'training') outcome ??= store.trainings.cancel('job-4');
		});
		await expect(training).rejects.toMatchObject({ code: 'aborted' });
		expect(await outcome).toBe('cancelled');
		expect(await store.models.versions()).toEqual([]);
		expect(await store.models.assignment(machineId)).toBeUndefined();
	});

	it('measures this device again on request, beside what was measured before, but not while it trains', async () => {
		const { measureEngine, train, cancel } = worker.api;
		await measureEngine(() => undefined);
		const reports = () =>
			Promise.all(enginePurposes.map((purpose) => store.settings.get<BackendReport>(backendReportKey(purpose))));
		const first = await reports();
		expect(first.every((report) => report!.trainedWindowsPerSecond! > 0 && report!.measuredAt! > 0)).toBe(true);
		const told: number[][] = [];
		await measureEngine((done, of) => told.push([done, of]));
		expect(told).toEqual([
			[0, 2],
			[1, 2]
		]);
		for (const [k, report] of (await reports()).entries()) {
			// On a busy machine another backend may be the faster one now: then there is nothing to compare with.
			if (report!.backend !== first[k]!.backend) continue;
			expect(report!.measuredAt).toBeGreaterThan(first[k]!.measuredAt!);
			expect(report!.before).toEqual({
				scoredWindowsPerSecond: first[k]!.scoredWindowsPerSecond,
				trainedWindowsPerSecond: first[k]!.trainedWindowsPerSecond,
				measuredAt: first[k]!.measuredAt
			});
		}
		const training = train('job-5', await request(1000), () => undefined);
		await expect(measureEngine(() => undefined)).rejects.toMatchObject({ code: 'invalid-input' });
		await cancel('job-5');
		await expect(training).rejects.toMatchObject({ code: 'aborted' });
	});

	it('goes on from its last whole epoch in another worker, to the very weights of an unbroken run', async () => {
		const proposal = await request(12);
		const unbroken = await worker.api.train('job-a', proposal, () => undefined);
		expect(unbroken.metrics.lossCurve.length).toBeGreaterThan(4);

		const ended = worker;
		const broken = ended.api.train('job-b', proposal, async ({ lossCurve }) => {
			if (lossCurve.length >= 3 && (await isCheckpointStored('job-b'))) ended.terminate();
		});
		await expect(broken).rejects.toMatchObject({ code: 'aborted' });
		const [left, ...others] = await store.trainings.unfinished();
		expect(others).toEqual([]);
		expect(left).toMatchObject({ jobId: 'job-b', request: { machineId, seed: 3, maxEpochs: 12 } });

		worker = spawnTraining();
		await worker.api.start(workspace);
		const progress: TrainingProgress[] = [];
		const version = await worker.api.train('job-b', left!.request, (step) => progress.push(step));
		const first = progress.find(({ phase }) => phase === 'training')!;
		expect(first.resumedAtEpoch).toBeGreaterThanOrEqual(1);
		expect(first.lossCurve.length).toBe(first.resumedAtEpoch);
		const kept = (curve: TrainingProgress['lossCurve']) => curve.slice(0, first.resumedAtEpoch);
		expect(kept(version.metrics.lossCurve)).toEqual(kept(unbroken.metrics.lossCurve));
		// On a busy machine the second worker may measure, and so choose, another backend; on one backend the bits are the same.
		if (version.metrics.backend === unbroken.metrics.backend) {
			expect(version.metrics.lossCurve).toEqual(unbroken.metrics.lossCurve);
			expect(version.weightsSha256).toBe(unbroken.weightsSha256);
		}
		expect(await store.models.assignment(machineId)).toBe(version.id);
		// Nothing of it is left behind.
		expect(await store.trainings.unfinished()).toEqual([]);
	});

	it('begins again when the data of the span has changed meanwhile, and gives up what only ever ends in a crash', async () => {
		const proposal = await request(8);
		const broken = worker.api.train('job-c', proposal, ({ lossCurve }) => {
			if (lossCurve.length >= 2) worker.terminate();
		});
		await expect(broken).rejects.toMatchObject({ code: 'aborted' });
		worker = spawnTraining();
		await worker.api.start(workspace);
		const progress: TrainingProgress[] = [];
		const other = { ...proposal, from: proposal.from + 60_000 };
		await worker.api.train('job-c', other, (step) => progress.push(step));
		expect(progress.every(({ resumedAtEpoch }) => resumedAtEpoch === undefined)).toBe(true);

		await store.trainings.put({ jobId: 'job-d', request: proposal, startedAt: 1, attempts: 5 });
		await expect(worker.api.train('job-d', proposal, () => undefined)).rejects.toMatchObject({ code: 'internal' });
		expect(await store.trainings.unfinished()).toEqual([]);
	});

	it('refuses a span that is too short, naming how much is needed', async () => {
		const proposal = await request(5);
		const short = { ...proposal, to: proposal.from + 60_000 };
		await expect(worker.api.train('job-4', short, () => undefined)).rejects.toMatchObject({
			code: 'not-enough-data',
			message: expect.stringContaining('240') as string
		});
		await expect(
			worker.api.train('job-5', { ...proposal, sensorNames: ['colour'] }, () => undefined)
		).rejects.toMatchObject({
			code: 'invalid-input'
		});
	});
});
