/**
 * Storage, export: raw readings of some machines over a span into one file.
 *
 * In: a store and a request. Out: bytes through `write`, window by window, and how many rows and readings they hold.
 */
import { MillwrightError, type EpochMs, type ExportRequest, type SensorRecord } from '../../contracts';
import type { FileJob } from '../backup/write-backup';
import { CsvWriter } from './csv-writer';
import { seriesWindows, type ReadableStore } from './series-windows';
import type { TableWriter, Write } from './table-writer';

interface Part {
	readonly machineId: string;
	readonly sensors: readonly SensorRecord[];
	readonly from: EpochMs;
	readonly to: EpochMs;
	/** Readings to expect: those of the machine, by the share of its span that is asked for. */
	readonly expected: number;
}

/**
 * @throws MillwrightError `invalid-input` (a request that makes no sense), `not-found` (nothing is stored there), `aborted`, storage errors
 */
export async function exportReadings(
	store: ReadableStore,
	request: ExportRequest,
	write: Write,
	{ signal, onProgress }: FileJob = {}
): Promise<{ rows: number; readings: number }> {
	const { format, layout } = request;
	if (layout === 'wide' && request.machineIds.length !== 1)
		throw new MillwrightError('invalid-input', 'A table with a column per sensor is of one machine');
	const parts = await partsOf(store, request);
	const total = parts.reduce((sum, { expected }) => sum + expected, 0);
	if (parts.length === 0) throw new MillwrightError('not-found', 'No readings are stored in this span');

	const check = () => {
		if (signal?.aborted) throw new MillwrightError('aborted', 'Export cancelled');
	};
	const zip = format === 'csv.gz' ? gzipTo(write) : undefined;
	const sensors = layout === 'wide' ? parts[0]!.sensors : [];
	const table: TableWriter =
		format === 'parquet'
			? new (await import('./parquet-writer')).ParquetTableWriter(layout, sensors, write)
			: new CsvWriter(layout, sensors, zip?.write ?? write);
	let rows = 0;
	let readings = 0;
	try {
		for (const part of parts)
			for await (const window of seriesWindows(store, part.sensors, part.from, part.to)) {
				check();
				rows += await table.window(part.machineId, part.sensors, window.slices);
				readings += window.readings;
				onProgress?.({ done: readings, total: Math.max(total, readings), of: 'readings' });
			}
		check();
		await table.end();
		await zip?.end();
	} catch (error) {
		await zip?.abandon();
		throw error;
	}
	if (readings === 0) throw new MillwrightError('not-found', 'No readings are stored in this span');
	onProgress?.({ done: readings, total: readings, of: 'readings' });
	return { rows, readings };
}

async function partsOf(store: ReadableStore, request: ExportRequest): Promise<Part[]> {
	const parts: Part[] = [];
	for (const machineId of request.machineIds) {
		const extent = await store.series.extent(machineId);
		const sensors = await store.registry.sensors(machineId);
		if (!extent || sensors.length === 0) continue;
		const from = Math.max(request.from ?? -Infinity, extent.from);
		const to = Math.min(request.to ?? Infinity, extent.to);
		if (from > to) continue;
		const share = extent.to > extent.from ? (to - from) / (extent.to - extent.from) : 1;
		parts.push({ machineId, sensors, from, to, expected: Math.round(extent.readings * share) });
	}
	return parts;
}

/** Bytes go through gzip on their way to `write`, held back by it. */
function gzipTo(write: Write): { write: Write; end(): Promise<void>; abandon(): Promise<void> } {
	const stream = new CompressionStream('gzip');
	const writer = stream.writable.getWriter();
	const drained = (async () => {
		const reader = stream.readable.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			await write(value as Uint8Array<ArrayBuffer>);
		}
	})();
	drained.catch(() => undefined);
	return {
		write: (bytes) => Promise.race([writer.write(bytes), drained]),
		end: async () => {
			await writer.close();
			await drained;
		},
		abandon: async () => {
			await writer.abort().catch(() => undefined);
			await drained.catch(() => undefined);
		}
	};
}
