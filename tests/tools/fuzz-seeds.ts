/** Messages that the fuzzer mutates: at least one well-formed message of every dialect. */
const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (topic: string, value: unknown) => ({ topic, payload: utf8(JSON.stringify(value)) });
const TOPIC = 'rotterdam/utilities/line-2/pump-3';

export const fuzzSeeds: readonly { topic: string; payload: Uint8Array }[] = [
	json(TOPIC, { ts: 1763880000000, flow: 41.2, vibration: 1.9, mode: 'running' }),
	json(TOPIC, {
		timestamp: '2025-11-23T06:40:00Z',
		motor: { temperature: { value: '71.5', unit: '°C' }, current: 12 }
	}),
	json(TOPIC, [
		{ ts: 1763880000, flow: 1 },
		{ ts: 1763880001, flow: 2, pressure: null }
	]),
	json(TOPIC, { ts: 1763880000, readings: [{ name: 'flow', value: 1, unit: 'l/min', quality: 192 }] }),
	json(`${TOPIC}/flow`, { value: 41.2, unit: 'l/min', ts: 1763880000000 }),
	{ topic: `${TOPIC}/flow`, payload: utf8('41.2') },
	{ topic: `${TOPIC}/flow`, payload: utf8('"41.2"') },
	{ topic: `${TOPIC}/flow`, payload: utf8('41.2 l/min') },
	json(`${TOPIC}/_meta`, { machineClass: 'centrifugal-pump', sensors: { flow: { unit: 'm3/h', range: [0, 200] } } })
];
