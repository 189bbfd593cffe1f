/** Promoted models in the inference worker: asked without any screen, kept, told as alarms, withdrawn. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alarm, RiskOfMachine, RulOfMachine } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { spawnInference } from '$lib/workers/inference.client';
import { constantRulModel } from '../../tools/constant-rul-model';
import { constantRiskModel, daysOf, rowsOf } from '../../tools/constant-risk-model';
import { openEmptyStore } from '../../tools/empty-store';
import { plantOf, readingsOf, registerPlant } from '../../tools/simulated-plant';

let store: Store;
let stop: () => Promise<void>;
let machineId: string;
const minutes = 40;
/** Steps of a minute, so that a life fits into a test. */
const stepHours = 1 / 60;

beforeEach(async () => {
	store = await openEmptyStore('demo');
	stop = async () => undefined;
	const plant = plantOf({
		machines: 1,
		classes: ['electric-motor'],
		scenario: 'healthy',
		startTime: Date.now() - (minutes + 1) * 60_000
	});
	machineId = plant.machines[0]!.machineId;
	await registerPlant(store, plant);
	await store.series.append(readingsOf(plant, minutes * 60));
});
afterEach(async () => {
	await stop();
	await store.destroy();
});

async function startScoring(): Promise<void> {
	const worker = spawnInference();
	await worker.api.start('demo');
	stop = async () => {
		await worker.api.stop();
		worker.terminate();
		stop = async () => undefined;
	};
}

/** Resolves with the first outlook of the machine that fits; undefined: with its absence. */
function outlook(fits: (found: RulOfMachine | undefined) => boolean): Promise<RulOfMachine | undefined> {
	return new Promise((resolve) => {
		const unwatch = store.rulModels.watchOutlook(machineId, (found) => {
			if (!fits(found)) return;
			resolve(found);
			queueMicrotask(() => unwatch());
		});
	});
}

function alarm(fits: (alarm: Alarm) => boolean): Promise<Alarm> {
	return new Promise((resolve) => {
		const unwatch = store.alarms.watch((list) => {
			const found = list.find((each) => each.kind === 'failure-expected' && fits(each));
			if (!found) return;
			resolve(found);
			queueMicrotask(() => unwatch());
		});
	});
}

/** Fails in `says` minutes, give or take. */
const model = (id: string, says: number, sensorNames = ['current', 'vibration']) =>
	constantRulModel({ id, sensorNames, capSteps: 20_000, says, spread: 60 });
const sensorsHere = async () => (await store.registry.sensors(machineId)).map(({ name }) => name).slice(0, 2);
const promote = (versionId: string, target: RulOfMachine['target'] = { machineClass: 'electric-motor' }) =>
	store.rulModels.assign({ target, versionId, stepHours, at: 1 });

describe('a promoted remaining-life model', () => {
	it('speaks for every machine of its class, warns, and falls silent with its withdrawal', async () => {
		await store.rulModels.save(await model('near', 600, await sensorsHere()));
		await promote('near');
		await startScoring();
		const found = (await outlook((said) => said !== undefined))!;
		expect(found).toMatchObject({ versionId: 'near', steps: minutes - 1, prognosis: { method: 'rul-model' } });
		expect(found.prognosis.rulHours!.median).toBeCloseTo(10, 1);
		expect(found.prognosis.eventProbability!.within24h).toBeGreaterThan(0.9);
		expect((await store.rulModels.said(machineId)).length).toBeGreaterThan(20);
		expect(await alarm(() => true)).toMatchObject({ priority: 'high', state: 'unacknowledged', modelId: 'near' });

		await store.rulModels.withdraw({ machineClass: 'electric-motor' });
		expect(await outlook((said) => said === undefined)).toBeUndefined();
		expect(await alarm(({ returnedAt }) => returnedAt !== undefined)).toMatchObject({
			state: 'returned-unacknowledged'
		});
	});

	it("of the machine's own comes before its class's; another start goes on from what was said", async () => {
		const sensors = await sensorsHere();
		await store.rulModels.save(await model('class', 600, sensors));
		await store.rulModels.save(await model('own', 15_000, sensors));
		await promote('class');
		await promote('own', { machineId });
		await startScoring();
		const first = (await outlook((said) => said?.versionId === 'own'))!;
		expect(first.prognosis.rulHours!.median).toBeCloseTo(250, 0);
		await stop();
		const said = await store.rulModels.said(machineId);
		await store.rulModels.saveOutlook(
			first,
			said.map((point) => ({ ...point, median: 1 }))
		);
		const more = plantOf({
			machines: 1,
			classes: ['electric-motor'],
			scenario: 'healthy',
			startTime: first.prognosis.time + 60_000
		});
		await store.series.append(readingsOf(more, 150));
		await startScoring();
		await outlook((now) => now !== undefined && now.prognosis.time > first.prognosis.time);
		const kept = await store.rulModels.said(machineId);
		expect(kept.filter(({ median }) => median === 1).length).toBe(said.length);
		expect(kept.length).toBeGreaterThan(said.length);
	});

	it('says which sensors it lacks, and that its weights are damaged', async () => {
		await store.rulModels.save(await model('other', 600, ['fan_speed']));
		await promote('other');
		await startScoring();
		const lacking = await outlook((said) => said !== undefined);
		expect(lacking!.prognosis).toMatchObject({ method: 'none', missing: expect.stringMatching(/has not: fan_speed/) });
		const damaged = await model('damaged', 600, await sensorsHere());
		await store.rulModels.save({ ...damaged, weights: damaged.weights.slice(4) });
		await promote('damaged');
		const refused = await outlook((said) => said?.versionId === 'damaged');
		expect(refused!.prognosis.missing).toMatch(/weights are damaged/);
		expect(await store.alarms.open()).toEqual([]);
	});
});

/** Resolves with what a classifier says of the machine once it fits; undefined: with its absence. */
function risk(fits: (found: RiskOfMachine | undefined) => boolean): Promise<RiskOfMachine | undefined> {
	return new Promise((resolve) => {
		const unwatch = store.riskModels.watchOutlook(machineId, (found) => {
			if (!fits(found)) return;
			resolve(found);
			queueMicrotask(() => unwatch());
		});
	});
}

describe('a promoted failure classifier', () => {
	const ofClass = { machineClass: 'electric-motor' } as const;
	const noLookBack = { ids: [], of: new Uint32Array(), day: new Uint32Array(), targets: [] };
	const save = (...made: Parameters<typeof constantRiskModel>) =>
		store.riskModels.save(constantRiskModel(...made), noLookBack);

	it('speaks of what its machines do now, warns, follows a new choice of what speaks, and falls silent when withdrawn', async () => {
		await save('now', rowsOf(await sensorsHere()), [0.7]);
		await store.riskModels.assign({ target: ofClass, versionId: 'now', at: 1 });
		await startScoring();
		const found = (await risk((said) => said !== undefined))!;
		expect(found).toMatchObject({ versionId: 'now', visit: true, prognosis: { method: 'failure-classifier' } });
		expect(found.prediction!.probabilities[0]).toBeCloseTo(0.7, 6);
		// What fails as it runs now fails within a week at least as likely.
		expect(found.prognosis.eventProbability!.within7d).toBeCloseTo(0.7, 6);
		expect(found.prognosis.tellsUpToHours).toBe(0);
		const raised = await alarm(() => true);
		expect(raised).toMatchObject({ priority: 'high', state: 'unacknowledged', modelId: 'now' });
		expect(raised.reason).toMatch(/as it runs now is likely \(about 70 %\).*most likely bearing/);

		const costs = { missed: 1, needless: 9 };
		await store.riskModels.decide('now', { costs, thresholds: [0.9], method: 'linear' });
		expect(await risk((said) => said?.visit === false)).toMatchObject({ choice: { thresholds: [0.9] } });

		await store.riskModels.decide('now', { costs, thresholds: [0.6], method: 'lstm' });
		const byLstm = (await risk((said) => said?.choice.method === 'lstm'))!;
		expect(byLstm).toMatchObject({ visit: true, prognosis: { method: 'failure-classifier' } });
		expect(byLstm.prediction!.probabilities[0]).toBeCloseTo(0.7, 5);

		await store.riskModels.withdraw(ofClass);
		expect(await risk((said) => said === undefined)).toBeUndefined();
		await alarm(({ returnedAt }) => returnedAt !== undefined);
	});

	it('says what it lacks: sensors, what no machine records, a day of readings', async () => {
		const sensors = await sensorsHere();
		await save('fan', rowsOf(['fan_speed']), [0.7]);
		await save('logs', daysOf(sensors, ['overheat']), [0.7, 0.8, 0.9]);
		await save('days', daysOf(sensors), [0.7, 0.8, 0.9]);
		await startScoring();
		for (const [versionId, missing] of [
			['fan', /has not: fan_speed/],
			['logs', /no machine here records: overheat/],
			['days', /Less than one day/]
		] as const) {
			await store.riskModels.assign({ target: { machineId }, versionId, at: 1 });
			const said = await risk((found) => found?.versionId === versionId);
			expect(said!.prognosis).toMatchObject({ method: 'none', missing: expect.stringMatching(missing) });
		}
		expect(await store.alarms.open()).toEqual([]);
	});
});
