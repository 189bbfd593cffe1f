/**
 * State, pure: the column mapping of a file as a person edits it.
 *
 * In: the acquisition worker's preview. Out: a draft whose fields can be edited one by one, the errors that stand in the
 * way (beside the field they belong to), and the `ColumnMapping` the import takes once there are none.
 */
import { cleanLevel, isDerivedSeries, machineIdOf, type ColumnMapping, type FilePreview } from '$lib/contracts';

export interface SensorDraft {
	readonly column: string;
	readonly include: boolean;
	readonly name: string;
	readonly unit: string;
}

export interface MappingDraft {
	readonly plant: string;
	readonly area: string;
	readonly line: string;
	readonly machine: string;
	/** Empty: the file has no time, rows are `rowIntervalSeconds` apart and end now. */
	readonly timeColumn: string;
	readonly rowIntervalSeconds: number;
	readonly delimiter: string;
	readonly sensors: readonly SensorDraft[];
	/** Every row is one reading; undefined: a column per sensor. */
	readonly long?: LongDraft;
}

/** Which column says what; empty: none. */
export interface LongDraft {
	readonly sensorColumn: string;
	readonly valueColumn: string;
	readonly machineColumn: string;
	readonly unitColumn: string;
	readonly qualityColumn: string;
}

/** Errors by field: `machine`, `time`, `rowInterval`, `sensors`, `long`, or `sensor:<column>`. */
export type MappingErrors = Readonly<Record<string, string>>;

export function draftFromPreview(preview: FilePreview): MappingDraft {
	const { proposed } = preview;
	const levels = proposed.machineId.split('/');
	const machine = levels.pop() ?? '';
	const [plant = '', area = '', ...lines] = levels;
	const chosen = new Map(proposed.sensors.map((sensor) => [sensor.column, sensor]));
	return {
		plant,
		area,
		line: lines.join(' '),
		machine,
		timeColumn: proposed.timeColumn ?? '',
		rowIntervalSeconds: (proposed.rowIntervalMs ?? 1000) / 1000,
		delimiter: proposed.delimiter,
		sensors: preview.columns
			.filter((column) => column !== proposed.timeColumn)
			.map((column) => ({
				column,
				include: chosen.has(column),
				name: chosen.get(column)?.name ?? column,
				unit: chosen.get(column)?.unit ?? ''
			})),
		...(proposed.long && { long: { ...noColumns, ...proposed.long } })
	};
}

const noColumns: LongDraft = {
	sensorColumn: '',
	valueColumn: '',
	machineColumn: '',
	unitColumn: '',
	qualityColumn: ''
};

/** Takes the rows for one reading each, or the columns for one sensor each. */
export function withLayout(draft: MappingDraft, layout: 'wide' | 'long'): MappingDraft {
	const { long, ...wide } = draft;
	return layout === 'long' ? { ...draft, long: long ?? noColumns } : wide;
}

/** Takes another column for the time: it stops being a sensor, and the one before may become one. */
export function withTimeColumn(draft: MappingDraft, timeColumn: string, columns: readonly string[]): MappingDraft {
	const known = new Map(draft.sensors.map((sensor) => [sensor.column, sensor]));
	return {
		...draft,
		timeColumn,
		sensors: columns
			.filter((column) => column !== timeColumn)
			.map((column) => known.get(column) ?? { column, include: false, name: column, unit: '' })
	};
}

export function withSensor(draft: MappingDraft, column: string, change: Partial<SensorDraft>): MappingDraft {
	const sensors = draft.sensors.map((sensor) => (sensor.column === column ? { ...sensor, ...change } : sensor));
	return { ...draft, sensors };
}

export function mappingErrors(draft: MappingDraft): MappingErrors {
	const errors: Record<string, string> = {};
	if (draft.machine.trim() === '') errors['machine'] = 'Give the machine a name.';
	if (draft.timeColumn === '' && !(draft.rowIntervalSeconds > 0))
		errors['rowInterval'] = 'Without a time column, say how many seconds lie between two rows (more than 0).';
	if (draft.long) {
		const { sensorColumn, valueColumn } = draft.long;
		if (sensorColumn === '' || valueColumn === '')
			errors['long'] = 'Say which column names the sensor and which holds its value.';
		else if (sensorColumn === valueColumn) errors['long'] = 'Sensor and value cannot be the same column.';
		return errors;
	}
	const included = draft.sensors.filter((sensor) => sensor.include);
	if (included.length === 0) errors['sensors'] = 'Choose at least one column to keep as a sensor.';
	const seen = new Map<string, string>();
	for (const { column, name } of included) {
		const clean = cleanLevel(name);
		const other = seen.get(clean);
		if (name.trim() === '') errors[`sensor:${column}`] = 'Give this sensor a name.';
		else if (isDerivedSeries(clean)) errors[`sensor:${column}`] = 'A sensor name may not start with ~.';
		else if (other !== undefined)
			errors[`sensor:${column}`] = `Column "${other}" has this name too: change one of them.`;
		else seen.set(clean, column);
	}
	return errors;
}

/** Only for a draft without errors. */
export function toColumnMapping(draft: MappingDraft): ColumnMapping {
	return {
		machineId: machineIdOf(draft),
		timeColumn: draft.timeColumn || undefined,
		rowIntervalMs: draft.timeColumn ? undefined : Math.round(draft.rowIntervalSeconds * 1000),
		delimiter: draft.delimiter,
		...(draft.long && {
			long: {
				sensorColumn: draft.long.sensorColumn,
				valueColumn: draft.long.valueColumn,
				...(draft.long.machineColumn && { machineColumn: draft.long.machineColumn }),
				...(draft.long.unitColumn && { unitColumn: draft.long.unitColumn }),
				...(draft.long.qualityColumn && { qualityColumn: draft.long.qualityColumn })
			}
		}),
		sensors: draft.sensors
			.filter((sensor) => sensor.include)
			.map(({ column, name, unit }) => ({ column, name: cleanLevel(name), unit: unit.trim() || undefined }))
	};
}
