/** Waveforms on the wire: what is read, what is refused and why, and that they are kept with their features. */
import { describe, expect, test } from 'vitest';
import type { Waveform } from '$lib/contracts';
import { GroupCommit } from '$lib/acquisition/group-commit';
import { Intake } from '$lib/acquisition/intake';
import { IntakeTally } from '$lib/acquisition/intake-tally';
import { createReader, NOW } from './collect';
import { MemoryStore, testWorld } from './world';

const samples = Array.from({ length: 64 }, (_, i) => Math.sin(i));
const topic = 'rotterdam/utilities/line-2/pump-3';

describe('the waveform dialect', () => {
	test('reads samples with rate, unit, speed and time', () => {
		const { waveforms, rejected } = createReader()(`${topic}/waveform/driveEnd`, {
			ts: NOW - 1000,
			sampleRate: 12_800,
			unit: 'm/s2',
			rpm: 1480,
			samples
		});
		expect(rejected).toEqual([]);
		expect(waveforms).toHaveLength(1);
		const { id, channel, time, sampleRateHz, unit, shaftRpm } = waveforms![0]!;
		expect({ id, channel, time, sampleRateHz, unit, shaftRpm }).toEqual({
			id: topic,
			channel: 'driveEnd',
			time: NOW - 1000,
			sampleRateHz: 12_800,
			unit: 'm/s2',
			shaftRpm: 1480
		});
		expect(waveforms![0]!.samples[1]).toBeCloseTo(Math.sin(1), 6);
	});

	test('takes the channel from the topic or the payload, and assumes neither rate nor unit', () => {
		const read = createReader();
		expect(read(`${topic}/nde`, { samples }).waveforms![0]).toMatchObject({ id: topic, channel: 'nde' });
		const named = read(topic, { channel: 'gearbox', waveform: samples }).waveforms![0]!;
		expect(named).toMatchObject({ id: topic, channel: 'gearbox' });
		expect([named.sampleRateHz, named.unit]).toEqual([undefined, undefined]);
	});

	test('names the sample that is no number, and refuses too few and too many', () => {
		const read = createReader();
		const holed = [...samples.slice(0, 40), null, ...samples.slice(41)];
		expect(read(`${topic}/nde`, { samples: holed }).rejected).toEqual([
			{ reason: 'not-a-number', message: 'sample 41 of 64: null is not a number' }
		]);
		expect(read(`${topic}/waveform/nde`, { samples: [1, 2, 3] }).rejected[0]!.message).toMatch(
			/3 samples; 32 to 131072 are read/
		);
		const many = read(`${topic}/nde`, { samples: new Array(131_073).fill(0) });
		expect(many.rejected[0]!.reason).toBe('payload-too-large');
		const odd = read(`${topic}/nde`, { samples, sampleRate: 'fast' });
		expect(odd.rejected[0]).toEqual({ reason: 'not-a-number', message: `field 'sampleRate': "fast" is no rate` });
		expect(odd.waveforms).toHaveLength(1);
	});

	test('counts a value that came beside the samples', () => {
		const { waveforms, rejected } = createReader()(`${topic}/nde`, { samples, flow: 3 });
		expect(waveforms).toHaveLength(1);
		expect(rejected).toMatchObject([{ reason: 'unknown-field', message: expect.stringContaining("'flow'") as string }]);
	});

	test('a list of records under "samples" is still readings', () => {
		const { values, waveforms } = createReader()(topic, { samples: [{ name: 'flow', value: 3 }] });
		expect(waveforms).toBeUndefined();
		expect(values).toMatchObject([{ sensor: 'flow', value: 3 }]);
	});
});

test('a waveform is stored before its message is acknowledged, its features as series of the machine that are no sensors', async () => {
	const kept: Waveform[] = [];
	const store = Object.assign(new MemoryStore(), {
		waveforms: {
			put: async (waveforms: readonly Waveform[]) => void kept.push(...waveforms),
			deleteMachine: async () => undefined
		}
	});
	const commit = new GroupCommit(store, {
		committed: () => undefined,
		failing: () => undefined,
		refused: () => undefined
	});
	const { measureWaveform } = testWorld;
	const intake = new Intake(commit, new IntakeTally(NOW), { origin: 'live', measureWaveform });
	const payload = new TextEncoder().encode(JSON.stringify({ ts: NOW, samples: samples.map(() => 2) }));
	const acknowledged = new Promise<number>((resolve) =>
		intake.take({ topic: `${topic}/waveform/nde`, payload, retain: false, receivedAt: NOW }, () => resolve(kept.length))
	);
	expect(await acknowledged).toBe(1);
	expect(kept[0]).toMatchObject({ machineId: topic, channel: 'nde', time: NOW });
	expect(store.values.get(`${topic}:~wave.nde.rms`)?.get(NOW)).toBeCloseTo(2, 6);
	expect([...store.sensors.keys()]).toEqual([]);
	expect([...store.machines.keys()]).toEqual([topic]);
});
