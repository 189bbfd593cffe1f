/** The acquisition worker end to end in demo mode: real worker, real IndexedDB, one owner, no doubling over a restart. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { liveChannelName, type LinkStatus, type LiveMessage, type ReadingBatch } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { spawnAcquisition } from '$lib/workers/acquisition.client';
import { openEmptyStore } from '../../tools/empty-store';

const demo = { kind: 'demo', demo: { machines: 6, seed: 3, scenario: 'demo', historyMinutes: 2 } } as const;
let store: Store;
let channel: BroadcastChannel;
let heard: LiveMessage[];

beforeEach(async () => {
	store = await openEmptyStore('demo');
	heard = [];
	channel = new BroadcastChannel(liveChannelName('demo'));
	channel.onmessage = (event: MessageEvent<LiveMessage>) => heard.push(event.data);
});
afterEach(async () => {
	channel.close();
	await store.destroy();
});

function until<T>(find: () => T | undefined | false): Promise<T> {
	return new Promise((resolve) => {
		const look = () => {
			const found = find();
			if (found === undefined || found === false) return;
			channel.removeEventListener('message', look);
			resolve(found);
		};
		channel.addEventListener('message', look);
		look();
	});
}
const isLink = (message: LiveMessage): message is { kind: 'link'; status: LinkStatus } => message.kind === 'link';
const isReadings = (message: LiveMessage): message is { kind: 'readings'; batch: ReadingBatch } =>
	message.kind === 'readings';

it('fills history, goes live, and continues after a restart without storing anything twice', async () => {
	await store.settings.setSource(demo);
	const first = spawnAcquisition();
	await first.api.start('demo', 'test');
	await until(() =>
		heard.filter(isLink).some(({ status }) => status.state === 'connected' && status.source === 'demo')
	);
	const liveFrom = heard.length;
	await until(() => heard.slice(liveFrom).some(isReadings));
	const machines = await store.registry.machines();
	expect(machines).toHaveLength(6);
	expect(machines.every(({ machineClass, origin }) => machineClass && origin === 'demo')).toBe(true);
	const sensors = await store.registry.sensors();
	expect(sensors.every(({ unit, validRange }) => unit !== undefined && validRange)).toBe(true);
	await first.api.stop();
	first.terminate();
	expect(await store.settings.get('demo-ground-truth')).toBeInstanceOf(Array);

	heard.length = 0;
	const second = spawnAcquisition();
	await second.api.start('demo', 'test');
	await until(() => heard.filter(isLink).some(({ status }) => status.state === 'connected'));
	const from = heard.length;
	await until(() => heard.slice(from).some(isReadings));
	await second.api.stop();
	second.terminate();

	const sensor = sensors[0]!;
	const [slice] = await store.series.query({ sensorIds: [sensor.id], from: 0, to: Date.now() + 60_000 });
	const steps = Array.from(slice!.times).map((time, i, all) => (i === 0 ? 1_000 : time - all[i - 1]!));
	expect(slice!.times.length).toBeGreaterThan(119);
	expect(new Set(slice!.times).size).toBe(slice!.times.length);
	expect(steps.filter((step) => step !== 1_000)).toEqual([]);
});

it('lets one worker own the source; another takes over when it goes', async () => {
	await store.settings.setSource(demo);
	const first = spawnAcquisition();
	const second = spawnAcquisition();
	await first.api.start('demo', 'one');
	await until(() => heard.filter(isLink).some(({ status }) => status.state === 'connected'));
	await second.api.start('demo', 'two');
	heard.length = 0;
	await second.api.announce();
	first.terminate();
	await until(() => heard.filter(isLink).some(({ status }) => status.state === 'connected' && status.owner));
	const at = heard.length;
	await until(() => heard.slice(at).some(isReadings));
	await second.api.stop();
	second.terminate();
});
