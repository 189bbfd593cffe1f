import { describe, expect, it } from 'vitest';
import type { ModelVersion } from '$lib/contracts';
import {
	fitsMachine,
	qualityWords,
	resumedWords,
	runsOnWords,
	timesBetter,
	trainingFailureWords,
	versionInUse
} from '$lib/state/models/model-words';

const version = (id: string, change: Partial<ModelVersion>) =>
	({ id, createdAt: 1, origin: 'shipped', ...change }) as ModelVersion;

describe('a model in words', () => {
	it('puts the error beside the floor', () => {
		expect(timesBetter({ validationLoss: 0.1, persistenceLoss: 0.31 })).toBeCloseTo(3.1);
		const words = (validationLoss: number, persistenceLoss: number, origin: ModelVersion['origin'] = 'trained-here') =>
			qualityWords({ origin, metrics: { validationLoss, persistenceLoss } });
		expect(words(0.1, 0.31)).toEqual({ tone: 'good', sentence: 'Predicts 3.1x better than "same as before".' });
		expect(words(0.2, 0.1).tone).toBe('poor');
		expect(words(0.2, 0.1).sentence).toContain('Train it again');
		expect(words(0.2, 0.1, 'shipped').sentence).not.toContain('Train it again');
		const relations = { rows: 7_200 } as ModelVersion['relations'];
		const metrics = { validationLoss: 0.2, persistenceLoss: 0.1 };
		const byOthers = qualityWords({ origin: 'trained-here', relations, metrics });
		expect(byOthers.tone).toBe('fair');
		expect(byOthers.sentence).not.toContain('Train it again');
		expect(words(1, 1.05).tone).toBe('fair');
		expect(words(NaN, 1).tone).toBe('poor');
	});

	it('says how many rows are missing', () => {
		const words = trainingFailureWords({
			code: 'not-enough-data',
			message: 'x',
			details: { rows: 120, minimumRows: 300 }
		});
		expect(words.sentence).toContain('180 are missing');
	});
});

describe('the version in use', () => {
	const pump = { id: 'site/pump', machineClass: 'centrifugal-pump' };
	const shipped = version('shipped', { target: { machineClass: 'centrifugal-pump' } });
	const newer = version('newer', { target: { machineClass: 'centrifugal-pump' }, createdAt: 2 });
	const own = version('own', { target: { machineId: 'site/pump' }, origin: 'trained-here' });

	it('is the assigned one, else the newest shipped one of its class', () => {
		expect(versionInUse(pump, [shipped, own, newer], new Map())?.id).toBe('newer');
		expect(versionInUse(pump, [shipped, own], new Map([['site/pump', 'own']]))?.id).toBe('own');
		expect(versionInUse({ id: 'other' }, [shipped, own], new Map())).toBeUndefined();
	});

	it('only fits its machine or its class', () => {
		expect(fitsMachine(own, pump)).toBe(true);
		expect(fitsMachine(own, { id: 'site/other', machineClass: 'centrifugal-pump' })).toBe(false);
		expect(fitsMachine(shipped, { id: 'site/other', machineClass: 'electric-motor' })).toBe(false);
	});
});

describe('a training in words', () => {
	it('says from where it went on, and why it had to', () => {
		const at = (resumedAtEpoch?: number) => ({ phase: 'training' as const, maxEpochs: 40, resumedAtEpoch });
		expect(resumedWords(undefined, at())).toBeUndefined();
		expect(resumedWords('reload', at(12))).toBe('Resumed at epoch 12 of 40, after the page was left.');
		expect(resumedWords('crash', at(1))).toBe('Resumed at epoch 1 of 40, after its worker stopped.');
		expect(resumedWords(undefined, at(7))).toBe('Resumed at epoch 7 of 40, after the graphics device was lost.');
		expect(resumedWords('reload', undefined)).toBe('Taken up again, after the page was left.');
		expect(resumedWords('crash', at())).toContain('Begun again');
	});

	it('says what it runs on', () => {
		expect(runsOnWords({ backend: undefined })).toBe('–');
		expect(runsOnWords({ backend: 'wasm', workers: 1 })).toBe('WebAssembly, one core');
		expect(runsOnWords({ backend: 'wasm', workers: 3 })).toBe('WebAssembly, 3 cores');
		expect(runsOnWords({ backend: 'wasm', workers: 2, sharesMemory: true })).toBe(
			'WebAssembly, 2 cores sharing memory'
		);
		expect(runsOnWords({ backend: 'webgpu', workers: 1 })).toBe('the graphics device');
	});
});
