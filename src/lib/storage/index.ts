/**
 * Storage: `openStore(workspace)`, the one way in. In: a workspace name. Out: a `Store` on IndexedDB, in a page, a worker or a test.
 */
import { MillwrightError, type EpochMs, type WorkspaceName } from '../contracts';
import { databaseName, EVICTING_VERSION, openDatabase, run as runOn } from './database';
import { alarmStore, intakeLogStore, modelStore, settingsStore, spanStore, type DocumentContext } from './documents';
import { applyRetention, defaultRetention, retentionKey } from './quota';
import { registryStore } from './registry';
import { Resolutions } from './resolutions';
import { edgeNodeStore } from './edge-nodes';
import { failureRecordStore } from './failure-records';
import { riskModelStore } from './risk-models';
import { rulModelStore } from './rul-models';
import { DexieSeriesStore } from './series-store';
import type { Store } from './store';
import { trainingStore } from './trainings';
import { verdictStore } from './verdicts';
import { waveformStore } from './waveforms';

export * from './store';
export * from './quota';
export { checkBackup, restoreBackup, writeBackup } from './backup';
export { exportReadings } from './export/export-readings';

/** Retention is looked at after a seal, at most so often. */
const RETENTION_EVERY_MS = 3_600_000;

export interface StoreOptions {
	/** Wall clock; injected by tests. */
	readonly now?: () => EpochMs;
	/** Seals by itself after an append when the journal is old or large enough; on unless told otherwise. */
	readonly autoSeal?: boolean;
	/** Room for opened segments in memory. */
	readonly cacheBytes?: number;
	/** Told when the browser or another tab closes this connection for good (a newer version, the workspace deleted). */
	readonly onClosed?: (error: MillwrightError) => void;
}

/**
 * Opens (and on first use makes) a workspace's database. Throws MillwrightError 'storage-unavailable' with words when the browser
 * refuses, another tab blocks the upgrade, or the data was written by a newer version.
 */
export async function openStore(workspace: WorkspaceName, options: StoreOptions = {}): Promise<Store> {
	const now = options.now ?? (() => Date.now());
	const database = await openDatabase(databaseName(workspace));
	let closed = false;
	database.on('versionchange', (event) => {
		if (closed) return;
		closed = true;
		const words =
			event.newVersion === EVICTING_VERSION
				? 'The stored data is being replaced from a backup. Reload this page when that is done.'
				: event.newVersion
					? 'Another tab has a newer version of this app open. Reload this one.'
					: 'The stored data was deleted in another tab. Reload this one.';
		options.onClosed?.(new MillwrightError('storage-unavailable', words));
	});
	const run = <T>(work: () => PromiseLike<T>): Promise<T> => runOn(database, () => closed, work);
	const context: DocumentContext = { database, run, isClosed: () => closed, now };

	const resolutions = new Resolutions(database, now);
	const series = new DexieSeriesStore({
		database,
		workspace,
		run,
		now,
		autoSeal: options.autoSeal ?? true,
		resolutionOf: (sensorIds) => resolutions.of(sensorIds),
		afterSeal: () => keepRetention(),
		cacheBytes: options.cacheBytes ?? 48 * 1024 * 1024
	});
	const registry = registryStore(context);
	const waveforms = waveformStore(workspace, () => closed);
	let retained = -Infinity;
	const keepRetention = async () => {
		if (now() - retained < RETENTION_EVERY_MS && now() >= retained) return;
		retained = now();
		await applyRetention(store, (await store.settings.get(retentionKey)) ?? defaultRetention, { now: now() });
	};
	const store: Store = {
		workspace,
		series,
		registry: {
			...registry,
			upsert: async (machines, sensors) => {
				await registry.upsert(machines, sensors);
				resolutions.learn(sensors);
			}
		},
		models: modelStore(context),
		rulModels: rulModelStore(context),
		riskModels: riskModelStore(context),
		failures: failureRecordStore(context),
		alarms: alarmStore(context),
		spans: spanStore(context),
		verdicts: verdictStore(context),
		settings: settingsStore(context),
		intakeLog: intakeLogStore(context),
		waveforms,
		trainings: trainingStore(context),
		edgeNodes: edgeNodeStore(context),
		close: () => {
			closed = true;
			registry.close();
			waveforms.close();
			database.close({ disableAutoOpen: true });
		},
		destroy: async () => {
			closed = true;
			registry.close();
			await waveforms.destroy();
			await database.delete({ disableAutoOpen: true });
		}
	};
	return store;
}
