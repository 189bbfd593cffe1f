/**
 * What the page uses to read a file: a worker for that file alone, ended when it is done, cancelled, or answers no more.
 *
 * A damaged page of a Parquet file can keep its reader in a loop that nothing inside the worker can leave. In: a file. Out: its preview and
 * summary, or an error in words; every call settles within `silentMs` of the worker's last sign of life.
 */
import {
	MillwrightError,
	type ColumnMapping,
	type FilePreview,
	type ImportProgress,
	type ImportSummary,
	type LifeMapping,
	type LifePreview,
	type FleetReading,
	type LifeReading,
	type RiskMapping,
	type RiskPreview,
	type RiskTableReading,
	type WorkspaceName
} from '../contracts';
import type { FleetPart } from '../acquisition/files/fleet-tables';
import { spawnWorker, type WorkerHandle } from './host';
import type { ImportApi } from './import.api';

/** A sound file's slowest step, a column of a row group, takes a few seconds; a damaged one may take for ever. */
const SILENT_MS = 30_000;
/** After a cancel the worker has so long to stop by itself. */
const CANCEL_MS = 2_000;
const LOOK_EVERY_MS = 500;

export interface FileReading {
	/** @throws MillwrightError `invalid-file` */
	preview(): Promise<FilePreview>;
	/** @throws MillwrightError `invalid-file`, `invalid-input`, `aborted`, storage errors */
	read(
		workspace: WorkspaceName,
		mapping: ColumnMapping,
		onProgress: (progress: ImportProgress) => void
	): Promise<ImportSummary>;
	/** @throws MillwrightError `invalid-file` */
	previewLives(): Promise<LifePreview>;
	/** @throws MillwrightError `invalid-file`, `invalid-input`, `aborted` */
	readLives(mapping: LifeMapping, onProgress: (fraction: number, rows: number) => void): Promise<LifeReading>;
	/** @throws MillwrightError `invalid-file` */
	previewRisk(): Promise<RiskPreview>;
	/** @throws MillwrightError `invalid-file`, `invalid-input`, `aborted` */
	readRiskTable(mapping: RiskMapping, onProgress: (fraction: number, rows: number) => void): Promise<RiskTableReading>;
	/** Reads the files given, whichever this reading was opened with. @throws MillwrightError `invalid-file`, `invalid-input`, `aborted` */
	readFleet(parts: readonly FleetPart[], onProgress: (fraction: number, rows: number) => void): Promise<FleetReading>;
	/** What is committed stays. Pending calls reject with `aborted`, within two seconds whatever the worker does. */
	cancel(): void;
	/** The worker is needed no more. */
	end(): void;
}

export function openImport(file: File, { silentMs = SILENT_MS, cancelMs = CANCEL_MS } = {}): FileReading {
	const worker: WorkerHandle<ImportApi> = spawnWorker<ImportApi>(
		() => new Worker(new URL('./import.worker.ts', import.meta.url), { type: 'module', name: 'import' }),
		'import'
	);
	/** Looks since the last sign of life: counted, as a page that slept has heard nothing meanwhile. */
	let silentLooks = 0;
	let lastRow = 0;
	let silenced = false;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const heard = () => (silentLooks = 0);
	worker.api.beat(heard).catch(() => undefined);

	const cancelled = () => new MillwrightError('aborted', 'Import cancelled');
	let isCancelled = false;

	/** Waits for a call, but not for a worker that gives no sign of life. */
	const guarded = async <T>(work: Promise<T>): Promise<T> => {
		heard();
		const watch = setInterval(() => {
			if (++silentLooks * LOOK_EVERY_MS < silentMs) return;
			silenced = true;
			worker.terminate();
		}, LOOK_EVERY_MS);
		try {
			return await work;
		} catch (error) {
			if (isCancelled) throw cancelled();
			if (!silenced) throw error;
			const place = lastRow > 0 ? ` after row ${lastRow.toLocaleString('en-GB')}` : '';
			throw new MillwrightError(
				'invalid-file',
				`${file.name} cannot be read${place}: its reader made no headway for ${Math.round(silentMs / 1000)} s and was ended. ` +
					`A part of the file is probably damaged; what was stored before it stays.`,
				{ file: file.name, row: lastRow }
			);
		} finally {
			clearInterval(watch);
			clearTimeout(timer);
		}
	};

	const heardOf = (onProgress: (fraction: number, rows: number) => void) => (fraction: number, rows: number) => {
		heard();
		lastRow = rows;
		onProgress(fraction, rows);
	};

	return {
		preview: () => guarded(worker.api.preview(file)),
		read: (workspace, mapping, onProgress) =>
			guarded(
				worker.api.read(workspace, file, mapping, (progress) => {
					heard();
					lastRow = progress.rows;
					onProgress(progress);
				})
			),
		previewLives: () => guarded(worker.api.previewLives(file)),
		readLives: (mapping, onProgress) => guarded(worker.api.readLives(file, mapping, heardOf(onProgress))),
		previewRisk: () => guarded(worker.api.previewRisk(file)),
		readRiskTable: (mapping, onProgress) => guarded(worker.api.readRiskTable(file, mapping, heardOf(onProgress))),
		readFleet: (parts, onProgress) => guarded(worker.api.readFleet(parts, heardOf(onProgress))),
		cancel() {
			isCancelled = true;
			worker.api.cancel().catch(() => undefined);
			timer ??= setTimeout(() => worker.terminate(), cancelMs);
		},
		end: () => worker.terminate()
	};
}
