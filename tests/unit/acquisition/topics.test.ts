/** Topics to machines and sensors: ISA-95 levels, missing levels, message-kind suffixes, a person's own setting. */
import { describe, expect, it } from 'vitest';
import { resolveTopic } from '$lib/acquisition/decode/topics';
import type { TopicLevelRole } from '$lib/contracts';

describe('resolveTopic', () => {
	it.each([
		['pump-1', 'pump-1', { machine: 'pump-1' }],
		['rotterdam/pump-1', 'rotterdam/pump-1', { plant: 'rotterdam', machine: 'pump-1' }],
		['r/utilities/pump-1', 'r/utilities/pump-1', { plant: 'r', area: 'utilities', machine: 'pump-1' }],
		['r/u/line-2/pump-1', 'r/u/line-2/pump-1', { plant: 'r', area: 'u', line: 'line-2', machine: 'pump-1' }],
		['acme/r/u/l/pump-1', 'acme.r/u/l/pump-1', { plant: 'acme.r', area: 'u', line: 'l', machine: 'pump-1' }],
		['r/u/l/pump-1/telemetry', 'r/u/l/pump-1', { plant: 'r', area: 'u', line: 'l', machine: 'pump-1' }],
		['/r//pump:1/', 'r/pump_1', { plant: 'r', machine: 'pump_1' }]
	])('takes the machine from %s', (topic, id, path) => {
		expect(resolveTopic(topic).machine).toEqual({ id, path });
	});

	it.each([
		['r/u/l/pump-1/flow', 'r/u/l/pump-1', 'flow'],
		['r/u/l/pump-1/sensors/flow', 'r/u/l/pump-1', 'flow'],
		['r/u/l/pump-1/flow/value', 'r/u/l/pump-1', 'flow'],
		['pump-1/flow', 'pump-1', 'flow'],
		['flow', 'flow', 'value']
	])('takes machine and sensor from %s', (topic, id, name) => {
		const { sensor } = resolveTopic(topic);
		expect([sensor?.machine.id, sensor?.name]).toEqual([id, name]);
	});

	it('names nothing for an empty topic or one of the broker itself', () => {
		expect(resolveTopic('//')).toEqual({});
		expect(resolveTopic('$SYS/broker/uptime')).toEqual({});
	});

	it('follows the levels a person set', () => {
		const levels: TopicLevelRole[] = ['skip', 'plant', 'machine', 'sensor'];
		const { machine, sensor } = resolveTopic('v1/rotterdam/pump-1/motor/temperature', levels);
		expect(machine).toEqual({ id: 'rotterdam/pump-1', path: { plant: 'rotterdam', machine: 'pump-1' } });
		expect(sensor?.name).toBe('motor.temperature');
		expect(resolveTopic('v1/rotterdam', levels)).toEqual({});
		expect(resolveTopic('v1/rotterdam/pump-1', levels).machine?.id).toBe('rotterdam/pump-1');
	});
});
