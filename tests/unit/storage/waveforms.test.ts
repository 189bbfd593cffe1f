/** Waveforms in storage: the newest is found, history is thinned but reaches back, labelled ones stay. */
import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { openStore } from '$lib/storage';
import { waveformsPerChannel } from '$lib/storage/waveforms';

const waveform = (time: number, channel = 'de') => ({
	machineId: 'a/pump',
	channel,
	time,
	samples: Float32Array.of(time, 2, 3),
	sampleRateHz: 1000
});

test('keeps, lists, labels and deletes', async () => {
	const store = await openStore('plant');
	await store.waveforms.put([waveform(2), waveform(1), waveform(5, 'nde')]);
	expect((await store.waveforms.list('a/pump')).map(({ channel, time }) => `${channel}@${time}`)).toEqual([
		'de@1',
		'de@2',
		'nde@5'
	]);
	expect((await store.waveforms.load('a/pump', 'de'))!.samples[0]).toBe(2);
	expect((await store.waveforms.load('a/pump', 'de', 1))!.samples[0]).toBe(1);
	expect(await store.waveforms.load('a/pump', 'other')).toBeUndefined();
	await store.waveforms.setCondition('a/pump', 'de', 1, 'healthy');
	expect((await store.waveforms.withCondition()).map(({ time, condition }) => [time, condition])).toEqual([
		[1, 'healthy']
	]);
	await store.waveforms.setCondition('a/pump', 'de', 1, undefined);
	expect(await store.waveforms.withCondition()).toEqual([]);
	await store.waveforms.deleteMachine('a/pump');
	expect(await store.waveforms.list('a/pump')).toEqual([]);
	await store.destroy();
});

test('a channel stays bounded, keeps its newest and its oldest, and what a person labelled', async () => {
	const store = await openStore('plant');
	await store.waveforms.put([waveform(0), waveform(1), waveform(2)]);
	await store.waveforms.setCondition('a/pump', 'de', 1, 'outer race');
	for (let from = 3; from < 1000; from += 50)
		await store.waveforms.put(Array.from({ length: 50 }, (_, i) => waveform(from + i)));
	const kept = (await store.waveforms.list('a/pump')).map(({ time }) => time);
	expect(kept.length).toBeLessThanOrEqual(waveformsPerChannel + 50);
	expect(kept[0]).toBe(0);
	expect(kept).toContain(1);
	expect(kept.at(-1)).toBe(1002);
	await store.destroy();
});
