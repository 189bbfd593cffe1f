/** Unfinished trainings on (fake) IndexedDB: kept over a reopening, and gone without a trace when they end. */
import { describe, expect, it } from 'vitest';
import { defaultRiskCosts, type TrainingRequest } from '$lib/contracts';
import { openContext } from './open-store';

const request: TrainingRequest = {
	machineId: 'a/pump',
	sensorNames: ['speed'],
	from: 0,
	to: 10,
	seed: 1,
	maxEpochs: 5
};

describe('unfinished trainings', () => {
	it('come back oldest first, with the newest checkpoint of each network', async () => {
		const first = await openContext();
		await first.trainings.put({ jobId: 'late', request, startedAt: 2, attempts: 1 });
		await first.trainings.put({ jobId: 'early', request, startedAt: 1, attempts: 3 });
		const weights = Float32Array.of(1, NaN, -0);
		await first.trainings.saveCheckpoint('early', 'net', { epoch: 1, weights: Float32Array.of(0) });
		await first.trainings.saveCheckpoint('early', 'net', { epoch: 2, weights });
		await first.trainings.saveCheckpoint('early', 'other', { epoch: 9 });
		first.close();

		const second = await openContext();
		expect(await second.trainings.unfinished()).toMatchObject([
			// A finished epoch is progress: the count of attempts without any begins again.
			{ jobId: 'early', attempts: 0 },
			{ jobId: 'late', attempts: 1 }
		]);
		expect(await second.trainings.checkpoint('early', 'net')).toEqual({ epoch: 2, weights });
		expect(await second.trainings.checkpoint('early', 'other')).toEqual({ epoch: 9 });
		expect(await second.trainings.checkpoint('late', 'net')).toBeUndefined();
		second.close();
	});

	it('of promoted models are listed apart, by kind', async () => {
		const store = await openContext();
		const life = { title: 'Bearings', description: '', seed: 1 };
		await store.trainings.put({ jobId: 'detection', request, startedAt: 1, attempts: 1 });
		await store.trainings.put({
			jobId: 'life',
			kind: 'remaining-life',
			request: life,
			startedAt: 2,
			attempts: 0,
			spentSeconds: 3
		});
		const risk = { ...life, costs: defaultRiskCosts, lstm: false };
		await store.trainings.put({
			jobId: 'risk',
			kind: 'failure-classifier',
			request: risk,
			startedAt: 3,
			attempts: 0,
			spentSeconds: 0
		});
		expect((await store.trainings.unfinished()).map(({ jobId }) => jobId)).toEqual(['detection']);
		expect((await store.trainings.unfinishedModels('remaining-life')).map(({ jobId }) => jobId)).toEqual(['life']);
		expect((await store.trainings.unfinishedModels('failure-classifier')).map(({ jobId }) => jobId)).toEqual(['risk']);
		expect(await store.trainings.find('life')).toBeUndefined();
		expect(await store.trainings.findModel('failure-classifier', 'life')).toBeUndefined();
		expect(await store.trainings.findModel('remaining-life', 'life')).toMatchObject({ request: life, spentSeconds: 3 });
		await store.trainings.remove('life');
		await store.trainings.remove('detection');
		expect(await store.trainings.unfinishedModels('remaining-life')).toEqual([]);
		store.close();
	});

	it('leave nothing when removed, also not a checkpoint that comes late', async () => {
		const store = await openContext();
		await store.trainings.put({ jobId: 'job', request, startedAt: 1, attempts: 1 });
		await store.trainings.saveCheckpoint('job', 'net', { epoch: 1 });
		await store.trainings.remove('job');
		await store.trainings.saveCheckpoint('job', 'net', { epoch: 2 });
		expect(await store.trainings.find('job')).toBeUndefined();
		expect(await store.trainings.checkpoint('job', 'net')).toBeUndefined();
		store.close();
	});

	it('are either cancelled or saved, whichever comes first', async () => {
		const store = await openContext();
		await store.trainings.put({ jobId: 'job', request, startedAt: 1, attempts: 1 });
		await store.trainings.saveCheckpoint('job', 'net', { epoch: 1 });
		expect(await store.trainings.cancel('job')).toBe('cancelled');
		expect(await store.trainings.beginSaving('job')).toBe(false);
		await store.trainings.renew({ jobId: 'job', request, startedAt: 1, attempts: 2 });
		expect(await store.trainings.unfinished()).toEqual([]);
		expect(await store.trainings.checkpoint('job', 'net')).toBeUndefined();
		expect(await store.trainings.cancel('job')).toBe('unknown');

		await store.trainings.put({ jobId: 'late', request, startedAt: 1, attempts: 1 });
		expect(await store.trainings.beginSaving('late')).toBe(true);
		expect(await store.trainings.cancel('late')).toBe('saving');
		// A crash while it is saved: it is taken up again, and can be cancelled again.
		await store.trainings.put({ jobId: 'late', request, startedAt: 1, attempts: 2 });
		expect(await store.trainings.cancel('late')).toBe('cancelled');
		store.close();
	});
});
