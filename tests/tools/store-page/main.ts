/**
 * A page on the app's own origin that reads the app's database with the app's own storage code, so that tests count
 * what is stored rather than trust a counter on a screen.
 */
import type { SeriesQuery, WorkspaceName } from '$lib/contracts';
import { openStore } from '$lib/storage';

export interface StoredSeries {
	readonly sensorId: string;
	readonly times: number[];
	readonly values: number[];
}

const inspector = {
	async machines(workspace: WorkspaceName) {
		const store = await openStore(workspace);
		try {
			return { machines: await store.registry.machines(), sensors: await store.registry.sensors() };
		} finally {
			store.close();
		}
	},
	async series(workspace: WorkspaceName, query: SeriesQuery): Promise<StoredSeries[]> {
		const store = await openStore(workspace);
		try {
			const slices = await store.series.query(query);
			return slices.map((slice) => ({ sensorId: slice.sensorId, times: [...slice.times], values: [...slice.mean] }));
		} finally {
			store.close();
		}
	},
	/** Rows stored per sensor over all time. */
	async counts(workspace: WorkspaceName): Promise<Record<string, number>> {
		const store = await openStore(workspace);
		try {
			const sensors = await store.registry.sensors();
			const slices = await store.series.query({
				sensorIds: sensors.map(({ id }) => id),
				from: 0,
				to: Number.MAX_SAFE_INTEGER
			});
			return Object.fromEntries(slices.map(({ sensorId, times }) => [sensorId, times.length]));
		} finally {
			store.close();
		}
	},
	async alarms(workspace: WorkspaceName) {
		const store = await openStore(workspace);
		try {
			return await store.alarms.list({});
		} finally {
			store.close();
		}
	},
	async spans(workspace: WorkspaceName, machineId?: string) {
		const store = await openStore(workspace);
		try {
			return await store.spans.list({
				...(machineId === undefined ? {} : { machineId }),
				from: 0,
				to: Number.MAX_SAFE_INTEGER
			});
		} finally {
			store.close();
		}
	}
};

export type StoreInspector = typeof inspector;
(globalThis as unknown as { inspector: StoreInspector }).inspector = inspector;
