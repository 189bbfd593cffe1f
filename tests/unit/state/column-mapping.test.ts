import { describe, expect, it } from 'vitest';
import {
	draftFromPreview,
	mappingErrors,
	toColumnMapping,
	withLayout,
	withSensor,
	withTimeColumn
} from '$lib/state/intake/column-mapping';
import type { FilePreview } from '$lib/contracts';

const preview: FilePreview = {
	columns: ['datetime', 'Pressure', 'Temp (C)', 'note'],
	rows: [['2020-03-09 10:00:00', '0.1', '64', 'ok']],
	proposed: {
		machineId: 'site/area/line/valve 1',
		timeColumn: 'datetime',
		delimiter: ';',
		sensors: [
			{ column: 'Pressure', name: 'Pressure', unit: 'bar' },
			{ column: 'Temp (C)', name: 'Temperature' }
		]
	},
	notes: []
};

describe('mapping the columns of a file', () => {
	it('keeps the proposal as it is when nothing is edited', () => {
		const draft = draftFromPreview(preview);
		expect(mappingErrors(draft)).toEqual({});
		expect(toColumnMapping(draft)).toEqual({ ...preview.proposed, rowIntervalMs: undefined });
	});

	it('offers columns that were not proposed, left out', () => {
		expect(draftFromPreview(preview).sensors.find(({ column }) => column === 'note')).toMatchObject({ include: false });
	});

	it('splits a machine id into its levels, however many', () => {
		expect(draftFromPreview({ ...preview, proposed: { ...preview.proposed, machineId: 'valve' } })).toMatchObject({
			plant: '',
			area: '',
			line: '',
			machine: 'valve'
		});
		expect(draftFromPreview(preview)).toMatchObject({ plant: 'site', area: 'area', line: 'line', machine: 'valve 1' });
	});

	it('turns the old time column into one that may be a sensor', () => {
		const draft = withTimeColumn(draftFromPreview(preview), 'note', preview.columns);
		expect(draft.sensors.map(({ column }) => column)).toEqual(['datetime', 'Pressure', 'Temp (C)']);
		expect(draft.sensors[1]).toMatchObject({ name: 'Pressure', unit: 'bar', include: true });
		expect(draft.sensors[0]!.include).toBe(false);
	});

	it('asks for the interval when the file has no time', () => {
		const draft = { ...withTimeColumn(draftFromPreview(preview), '', preview.columns), rowIntervalSeconds: 0 };
		expect(mappingErrors(draft)).toHaveProperty('rowInterval');
		expect(toColumnMapping({ ...draft, rowIntervalSeconds: 0.5 })).toMatchObject({
			timeColumn: undefined,
			rowIntervalMs: 500
		});
	});

	it('refuses no machine, no sensors, empty and equal names, each beside its field', () => {
		const draft = draftFromPreview(preview);
		expect(mappingErrors({ ...draft, machine: ' ' })).toHaveProperty('machine');
		expect(mappingErrors(withSensor(draft, 'Pressure', { name: '' }))).toHaveProperty('sensor:Pressure');
		expect(mappingErrors(withSensor(draft, 'Temp (C)', { name: 'Pressure' }))).toHaveProperty('sensor:Temp (C)');
		expect(mappingErrors(withSensor(draft, 'Pressure', { name: '~score' }))).toHaveProperty('sensor:Pressure');
		const none = { ...draft, sensors: draft.sensors.map((sensor) => ({ ...sensor, include: false })) };
		expect(mappingErrors(none)).toHaveProperty('sensors');
	});

	it('keeps ids free of the characters that carry meaning', () => {
		const draft = withSensor({ ...draftFromPreview(preview), machine: 'p/1:a' }, 'Pressure', {
			name: 'in/out',
			unit: ' bar '
		});
		expect(toColumnMapping(draft).machineId).toBe('site/area/line/p_1_a');
		expect(toColumnMapping(draft).sensors[0]).toEqual({ column: 'Pressure', name: 'in_out', unit: 'bar' });
	});

	it('takes rows for one reading each: sensor and value must be said, the rest may be', () => {
		const empty = withLayout(draftFromPreview(preview), 'long');
		expect(mappingErrors(empty)).toHaveProperty('long');
		const named = { ...empty, long: { ...empty.long!, sensorColumn: 'note', valueColumn: 'Pressure' } };
		expect(mappingErrors(named)).toEqual({});
		expect(toColumnMapping(named).long).toEqual({ sensorColumn: 'note', valueColumn: 'Pressure' });
		expect(mappingErrors({ ...named, long: { ...named.long, valueColumn: 'note' } })).toHaveProperty('long');
		expect(toColumnMapping(withLayout(named, 'wide')).long).toBeUndefined();
		const proposed = {
			...preview.proposed,
			long: { sensorColumn: 'note', valueColumn: 'Pressure', unitColumn: 'Temp (C)' }
		};
		expect(toColumnMapping(draftFromPreview({ ...preview, proposed })).long).toEqual(proposed.long);
	});
});
