/** What a page asks the inference worker about history: why an anomaly, what was expected, in which mode the machine ran. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { derivedSeries, liveChannelName, modeCodes, sensorIdOf, type LiveMessage } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { spawnInference } from '$lib/workers/inference.client';
import { openEmptyStore } from '../../tools/empty-store';
import { plantOf, readingsOf, registerPlant } from '../../tools/simulated-plant';

const workspace = 'demo';
const channel = new BroadcastChannel(liveChannelName(workspace));
let store: Store;
beforeEach(async () => {
	store = await openEmptyStore(workspace);
});
afterEach(async () => {
	channel.close();
	await store.destroy();
});

it('explains an anomaly by gradients that add up, gives the expected band of history, and keeps the modes', async () => {
	const plant = plantOf({
		machines: 1,
		classes: ['centrifugal-pump'],
		scenario: [{ machine: 0, fault: 'bearing-wear', onset: 2, growth: 12 }],
		startTime: Date.now() - 14 * 60_000
	});
	const machineId = plant.machines[0]!.machineId;
	const truth = plant.groundTruth()[0]!;
	await registerPlant(store, plant);
	await store.series.append(readingsOf(plant, 13 * 60));
	// Until it is judged, a machine is reported as of now, in an unknown mode.
	const judged = new Promise<void>((resolve) => {
		channel.onmessage = ({ data }: MessageEvent<LiveMessage>) => {
			if (
				data.kind === 'verdicts' &&
				data.reports.some((r) => r.machineId === machineId && r.time >= plant.time && r.mode !== 'unknown')
			)
				resolve();
		};
	});
	const worker = spawnInference();
	await worker.api.start(workspace);
	await judged;
	const bands = await worker.api.expected(machineId, plant.time - 600_000, plant.time);
	const found = await worker.api.explain(machineId, truth.detectableFrom, plant.time);
	await worker.api.stop();
	worker.terminate();

	expect(found!.completenessError).toBeLessThan(0.02);
	expect(found!.shares.slice(0, 2).some(({ sensorName }) => truth.affectedSensors.includes(sensorName))).toBe(true);
	expect(found!.shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);

	const speed = bands!.sensors.find(({ sensorName }) => sensorName === 'speed')!;
	const [actual] = await store.series.query({
		sensorIds: [sensorIdOf(machineId, 'speed')],
		from: plant.time - 600_000,
		to: plant.time
	});
	const valueAt = new Map(Array.from(actual!.times, (time, i) => [time, actual!.mean[i]!]));
	const apart = Array.from(bands!.times, (time, i) => Math.abs(speed.expected[i]! - valueAt.get(time)!))
		.filter(Number.isFinite)
		.sort((a, b) => a - b);
	expect(bands!.times.length).toBeGreaterThan(300);
	expect(apart.length).toBeGreaterThan(300);
	// Of some 2,600 rpm; a change of speed is followed within some rows.
	expect(apart[apart.length >> 1]!).toBeLessThan(200);

	const [modes] = await store.series.query({
		sensorIds: [sensorIdOf(machineId, derivedSeries.mode)],
		from: 0,
		to: plant.time
	});
	expect(modes!.times.length).toBeGreaterThan(0);
	expect(Array.from(modes!.mean)).not.toContain(modeCodes.new);
});
