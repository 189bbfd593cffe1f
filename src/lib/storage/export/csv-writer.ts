/**
 * Storage, export: CSV (RFC 4180, UTF-8, points as decimals, ISO 8601 times in UTC), wide or long. In: windows of readings. Out: bytes.
 * Numbers are written with the fewest digits that give the same number back.
 */
import type { EpochMs, ExportLayout, SensorRecord, SeriesSlice } from '../../contracts';
import { joinByTime } from './series-windows';
import { columnName, qualityWords, type TableWriter, type Write } from './table-writer';

const PIECE_CHARACTERS = 256 * 1024;

export class CsvWriter implements TableWriter {
	private text = '';

	constructor(
		private readonly layout: ExportLayout,
		sensors: readonly SensorRecord[],
		private readonly write: Write
	) {
		const head =
			layout === 'wide'
				? ['time', ...sensors.map(columnName)]
				: ['time', 'machine', 'sensor', 'value', 'unit', 'quality'];
		this.text = `${head.map(quote).join(',')}\r\n`;
	}

	async window(machineId: string, sensors: readonly SensorRecord[], slices: readonly SeriesSlice[]): Promise<number> {
		let rows = 0;
		if (this.layout === 'wide') {
			const { times, at } = joinByTime(slices);
			for (let row = 0; row < times.length; row++) {
				let line = timeText(times[row]!);
				for (let s = 0; s < slices.length; s++) {
					const place = at[s]![row]!;
					line += place < 0 ? ',' : `,${numberText(slices[s]!.mean[place]!)}`;
				}
				this.text += `${line}\r\n`;
				if (this.text.length >= PIECE_CHARACTERS) await this.flush();
			}
			rows = times.length;
		} else
			for (let s = 0; s < slices.length; s++) {
				const { times, mean, qualities } = slices[s]!;
				const { name, unit = '' } = sensors[s]!;
				const what = `,${quote(machineId)},${quote(name)},`;
				for (let i = 0; i < times.length; i++) {
					this.text += `${timeText(times[i]!)}${what}${numberText(mean[i]!)},${quote(unit)},${qualityWords[qualities[i]!] ?? 'bad'}\r\n`;
					if (this.text.length >= PIECE_CHARACTERS) await this.flush();
				}
				rows += times.length;
			}
		return rows;
	}

	end(): Promise<void> {
		return this.flush();
	}

	private async flush(): Promise<void> {
		const bytes = new TextEncoder().encode(this.text);
		this.text = '';
		if (bytes.length > 0) await this.write(bytes);
	}
}

function quote(text: string): string {
	return /[",\r\n;\t|]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}

function numberText(value: number): string {
	if (!Number.isFinite(value)) return '';
	return Object.is(value, -0) ? '-0' : String(value);
}

/** ISO 8601 in UTC, with nanoseconds where the time has a part below the millisecond. */
export function timeText(time: EpochMs): string {
	const whole = Math.floor(time);
	const iso = new Date(whole).toISOString();
	if (whole === time) return iso;
	const nanos = Math.min(999_999, Math.round((time - whole) * 1e6));
	return `${iso.slice(0, -1)}${String(nanos).padStart(6, '0')}Z`;
}
