/** Which prognosis tells a machine's future: the graver of its promoted models, and health where they are silent or only know the present. */
import { expect, test } from 'vitest';
import type { Prognosis } from '../../../src/lib/contracts';
import { outlookOf } from '../../../src/lib/state/machine/outlook';

const says = (method: Prognosis['method'], within7d: number, tellsUpToHours?: number): Prognosis => ({
	machineId: 'm',
	time: 0,
	method,
	eventProbability: { within24h: 0, within72h: 0, within7d },
	...(tellsUpToHours !== undefined && { tellsUpToHours })
});
const health = says('health-trend', 0.6);

test('the graver of two promoted models tells, and health only where none speaks', () => {
	const [life, risk] = [says('rul-model', 0.2), says('failure-classifier', 0.3)];
	expect(outlookOf(life, risk, health)).toBe(risk);
	expect(outlookOf(life, says('failure-classifier', 0.1), health)).toBe(life);
	expect(outlookOf(undefined, risk, health)).toBe(risk);
	expect(outlookOf(undefined, undefined, health)).toBe(health);
	expect(outlookOf(undefined, undefined, undefined)).toBeUndefined();
});

test('a model that only knows the present hides nothing that health tells', () => {
	expect(outlookOf(undefined, says('failure-classifier', 0.1, 0), health)).toBe(health);
	const present = says('failure-classifier', 0.8, 0);
	expect(outlookOf(undefined, present, health)).toBe(present);
	const reached: Prognosis = {
		machineId: 'm',
		time: 0,
		method: 'health-trend',
		rulHours: { median: 0, low: 0, high: 0 }
	};
	expect(outlookOf(undefined, present, reached)).toBe(reached);
});
