/** The simulator is a function of its configuration: same bits, however it is stepped or read. */
import { describe, expect, it } from 'vitest';
import { createPlant, scenarios, type PlantConfig } from '../../../simulator';

const base: PlantConfig = {
	machines: 12,
	seed: 7,
	scenario: 'mixed',
	startTime: Date.UTC(2026, 0, 5, 8),
	stepMs: 1000,
	horizonMs: 600_000
};

function messagesOf(config: PlantConfig, steps: number): string {
	const plant = createPlant(config);
	return JSON.stringify(Array.from({ length: steps }, () => plant.step()));
}

describe('determinism', () => {
	it('gives the same messages for the same configuration', () => {
		expect(messagesOf(base, 700)).toBe(messagesOf(base, 700));
	});

	it('gives other messages for another seed, and for another machine of the same class', () => {
		expect(messagesOf({ ...base, seed: 8 }, 5)).not.toBe(messagesOf(base, 5));
		const [first, second] = createPlant({ ...base, machines: 2, classes: ['electric-motor'] }).step();
		expect(first!.payload).not.toEqual(second!.payload);
	});

	it.each(scenarios.map(({ id }) => id))('reads the same after fast forward as after steps: %s', (scenario) => {
		const config = { ...base, scenario, horizonMs: 300_000 };
		const stepped = createPlant(config);
		for (let i = 0; i < 250; i++) stepped.step();
		const skipped = createPlant(config);
		skipped.fastForward(100);
		skipped.fastForward(0);
		skipped.fastForward(150);
		expect(skipped.time).toBe(stepped.time);
		for (let i = 0; i < 40; i++) expect(skipped.step()).toEqual(stepped.step());
		expect(skipped.groundTruth()).toEqual(stepped.groundTruth());
	});

	it('is not changed by asking for descriptions and truth', () => {
		const asked = createPlant(base);
		const plain = createPlant(base);
		for (let i = 0; i < 50; i++) {
			asked.meta();
			asked.groundTruth();
			expect(asked.step()).toEqual(plain.step());
		}
	});

	it('a fault changes nothing before its onset', () => {
		const healthy = createPlant({ ...base, scenario: 'healthy', classes: ['centrifugal-pump'], machines: 1 });
		const faulty = createPlant({
			...base,
			classes: ['centrifugal-pump'],
			machines: 1,
			horizonMs: 3_600_000,
			scenario: [{ machine: 0, fault: 'bearing-wear', onset: 5, growth: 10 }]
		});
		for (let i = 0; i < 300; i++) expect(faulty.step()).toEqual(healthy.step());
		faulty.fastForward(500);
		healthy.fastForward(500);
		expect(faulty.step()).not.toEqual(healthy.step());
	});
});
