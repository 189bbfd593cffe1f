/** Mapping files: read back as written, refused with the place that is wrong; topic filters as MQTT means them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyMapping, filterTakes, isTopicFilter, MillwrightError, parseMapping, writeMapping } from '$lib/contracts';
import type { SourceMapping } from '$lib/contracts';

const mapping: SourceMapping = {
	...emptyMapping,
	groups: [{ filter: 'acme/+/#', levels: ['enterprise', 'machine', 'sensor'] }],
	machines: [{ source: 'a/b', path: { plant: 'A', machine: 'B' }, machineClass: 'electric-motor' }],
	sensors: [{ filter: 'acme/+/#', sensor: 't', name: 'temperature', unit: '°C', kind: 'temperature', range: [0, 90] }]
};

describe('mapping files', () => {
	it('are read back as they were written', () => {
		expect(parseMapping(writeMapping(mapping))).toEqual(mapping);
	});

	it.each<[string, unknown, RegExp]>([
		['no JSON', 'name;unit', /no JSON file/],
		['a list', [], /holds no JSON object/],
		['another file', { type: 'FeatureCollection' }, /"format" is not/],
		['a newer version', { ...mapping, version: 2 }, /version 2; this Millwright reads version 1/],
		['a kind that is none', { ...mapping, sensors: [{ sensor: 't', kind: 'smell' }] }, /sensors\.0\.kind/],
		['a range upside down', { ...mapping, sensors: [{ sensor: 't', range: [5, 1] }] }, /sensors\.0\.range.*below/],
		['a filter that is none', { ...mapping, groups: [{ filter: 'a/#/b' }] }, /groups\.0\.filter.*no topic filter/],
		['a machine without source', { ...mapping, machines: [{}] }, /machines\.0\.source/]
	])('refuses %s', (_, content, message) => {
		const text = typeof content === 'string' ? content : JSON.stringify(content);
		expect(() => parseMapping(text)).toThrow(message);
	});

	it('refuses any bytes with an error of its own', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.json(),
					fc.json().map((json) => `{"format":"millwright-mapping","version":1,"groups":${json}}`)
				),
				(text) => {
					try {
						parseMapping(text);
					} catch (error) {
						expect(error).toBeInstanceOf(MillwrightError);
					}
				}
			)
		);
	});
});

describe('topic filters', () => {
	it.each([
		['#', 'a/b', true],
		['#', '$SYS/x', false],
		['a/#', 'a', true],
		['a/+', 'a/b', true],
		['a/+', 'a/b/c', false],
		['+/+', 'a/b', true],
		['a/+/c', 'a/b/c', true],
		['a/b', 'a/b/c', false]
	])('%s takes %s: %s', (filter, topic, takes) => {
		expect(filterTakes(filter, topic)).toBe(takes);
	});
	it('are told from other text', () => {
		expect(['a/#', '+', '#', 'a b/c'].every(isTopicFilter)).toBe(true);
		expect(['', 'a/#/b', 'a#', 'a+/b'].some(isTopicFilter)).toBe(false);
	});
});
