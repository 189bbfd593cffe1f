/**
 * Data Acquisition, files: tells a table with a row per reading (time, sensor, value) from one with a column per sensor.
 *
 * In: the columns that hold numbers and those that hold text. Out: which column says what, or undefined when the table is wide.
 */
import type { LongColumns } from '../../contracts';
import { splitUnit } from './csv-columns';

const VALUE =
	/^(value|val|wert|reading|measurement|measured ?value|messwert|var[ _-]?value|v|y|_value|numeric_?value)$/i;
const SENSOR =
	/^(sensor|sensor[ _-]?(id|name)|signal|tag|tag[ _-]?name|metric|metric[ _-]?name|variable|var[ _-]?name|tag[ _-]?path|parameter|channel|point|item|series|name|_?field|kanal|messstelle|measure)$/i;
const MACHINE =
	/^(machine|machine[ _-]?(id|name)|asset|asset[ _-]?(id|name)|device|device[ _-]?(id|name)|equipment|unit[ _-]?id|maschine|anlage)$/i;
const UNIT = /^(unit|units|uom|einheit|eu)$/i;
const QUALITY = /^(quality|q|status|status[ _-]?code|qualit(ä|ae)t)$/i;

export function detectLong(
	columns: readonly string[],
	numeric: readonly { readonly column: string }[],
	text: readonly string[]
): LongColumns | undefined {
	const plain = (column: string) => splitUnit(column).name.trim();
	const named = (pattern: RegExp, among: readonly string[]) => among.find((column) => pattern.test(plain(column)));
	const valueColumn = named(
		VALUE,
		numeric.map(({ column }) => column)
	);
	const sensorColumn = named(SENSOR, text);
	if (valueColumn === undefined || sensorColumn === undefined) return undefined;
	const machineColumn = named(MACHINE, text);
	const others = columns.filter((column) => column !== valueColumn && column !== sensorColumn);
	const unitColumn = named(UNIT, others);
	const qualityColumn = named(QUALITY, others);
	return {
		sensorColumn,
		valueColumn,
		...(machineColumn !== undefined && { machineColumn }),
		...(unitColumn !== undefined && { unitColumn }),
		...(qualityColumn !== undefined && { qualityColumn })
	};
}
