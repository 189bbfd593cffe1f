/**
 * Storage, export: Parquet (hyparquet-writer, Snappy), wide or long; a row group per some windows, so that memory stays bounded. Loaded only when asked for.
 * In: windows of readings. Out: bytes. Times are UTC timestamps in nanoseconds, values doubles, bit for bit.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { ExportLayout, SensorRecord, SeriesSlice } from '../../contracts';
import { joinByTime } from './series-windows';
import { columnName, qualityWords, type TableWriter, type Write } from './table-writer';

const GROUP_ROWS = 100_000;

export class ParquetTableWriter implements TableWriter {
	private readonly bytes = new ByteWriter(1 << 20) as ByteWriter & { index: number };
	private readonly writer: ParquetWriter;
	private readonly names: readonly string[];
	private columns: unknown[][];

	constructor(
		private readonly layout: ExportLayout,
		sensors: readonly SensorRecord[],
		private readonly write: Write
	) {
		const names = unique(
			layout === 'wide'
				? ['time', ...sensors.map(columnName)]
				: ['time', 'machine', 'sensor', 'value', 'unit', 'quality']
		);
		const time: SchemaElement = {
			name: 'time',
			type: 'INT64',
			repetition_type: 'REQUIRED',
			logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' }
		};
		const number = (name: string): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' });
		const text = (name: string): SchemaElement => ({
			name,
			type: 'BYTE_ARRAY',
			converted_type: 'UTF8',
			repetition_type: 'REQUIRED'
		});
		const fields = names.slice(1).map((name) => (layout === 'wide' || name === 'value' ? number(name) : text(name)));
		this.names = names;
		this.columns = names.map(() => []);
		const schema: SchemaElement[] = [{ name: 'root', num_children: names.length }, time, ...fields];
		this.writer = new ParquetWriter({ writer: this.bytes, schema, createdBy: 'Millwright' });
	}

	async window(machineId: string, sensors: readonly SensorRecord[], slices: readonly SeriesSlice[]): Promise<number> {
		const before = this.columns[0]!.length;
		if (this.layout === 'wide') {
			const { times, at } = joinByTime(slices);
			for (const time of times) this.columns[0]!.push(nanos(time));
			slices.forEach(({ mean }, s) => {
				const column = this.columns[s + 1]!;
				for (const place of at[s]!) column.push(place < 0 ? undefined : mean[place]!);
			});
		} else {
			const [time, machine, sensor, value, unit, quality] = this.columns as [
				unknown[],
				unknown[],
				unknown[],
				unknown[],
				unknown[],
				unknown[]
			];
			slices.forEach(({ times, mean, qualities }, s) => {
				for (let i = 0; i < times.length; i++) {
					time.push(nanos(times[i]!));
					machine.push(machineId);
					sensor.push(sensors[s]!.name);
					value.push(mean[i]!);
					unit.push(sensors[s]!.unit ?? '');
					quality.push(qualityWords[qualities[i]!] ?? 'bad');
				}
			});
		}
		const rows = this.columns[0]!.length - before;
		if (this.columns[0]!.length >= GROUP_ROWS) await this.group();
		return rows;
	}

	async end(): Promise<void> {
		if (this.columns[0]!.length > 0) await this.group();
		await this.writer.finish();
		await this.flush();
	}

	private async group(): Promise<void> {
		const { columns } = this;
		this.columns = columns.map(() => []);
		const columnData = this.names.map((name, i) => ({ name, data: columns[i]! as never[] }));
		await this.writer.write({ columnData, rowGroupSize: columns[0]!.length });
		await this.flush();
	}

	/** What is encoded so far goes out; the format's offsets count from the file's start all the same. */
	private async flush(): Promise<void> {
		const bytes = new Uint8Array(this.bytes.buffer.slice(0, this.bytes.index));
		this.bytes.index = 0;
		if (bytes.length > 0) await this.write(bytes);
	}
}

function nanos(time: number): bigint {
	const whole = Math.floor(time);
	return BigInt(whole) * 1_000_000n + BigInt(Math.min(999_999, Math.round((time - whole) * 1e6)));
}

/** Column names are keys in Parquet: a sensor called "time" gets another. */
function unique(names: readonly string[]): string[] {
	const seen = new Set<string>();
	return names.map((name) => {
		let free = name;
		for (let n = 2; seen.has(free); n++) free = `${name} (${n})`;
		seen.add(free);
		return free;
	});
}
