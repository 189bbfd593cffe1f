/**
 * A page on the app's own origin that reads the app's database with the app's own storage code, so that tests count
 * what is stored rather than trust a counter on a screen.
 */
import {
	isDerivedSeries,
	liveChannelName,
	type EpochMs,
	type LiveMessage,
	type SeriesQuery,
	type WorkspaceName
} from '$lib/contracts';
import { openStore } from '$lib/storage';

export interface StoredSeries {
	readonly sensorId: string;
	readonly times: number[];
	readonly values: number[];
}

/** What became of messages that each carry a number of their own. */
export interface CountedIds {
	/** Rows of the sensor that holds the number. */
	readonly rows: number;
	/** Different numbers among them. */
	readonly distinct: number;
	/** Rows whose time is not the one that the message stated. */
	readonly wrongTimes: number;
	/** The first numbers below `total` that are not there. */
	readonly missing: readonly number[];
}

export interface Commits {
	readonly commits: number;
	readonly readings: number;
	/** When the last one was heard of. */
	readonly lastAt: EpochMs;
	/** Longest time between two commits since `listen`, up to now. */
	readonly longestGapMs: number;
	/** The times between two commits that were longer than two seconds, in order. */
	readonly gaps: readonly { readonly from: EpochMs; readonly ms: number }[];
	/** What was said of the link, each change once; the last few hundred. */
	readonly links: readonly { readonly at: EpochMs; readonly said: string }[];
	/** From a reading's own time to the news that it is stored; NaN without readings. */
	readonly p50Ms: number;
	readonly p95Ms: number;
	/** The same since the last time somebody asked. */
	readonly recentP95Ms: number;
	/** Messages waiting for a commit when last told, and at most. */
	readonly pending: number;
	readonly mostPending: number;
	/** Refused or altered input by reason, since the present owner began. */
	readonly reasons: Readonly<Record<string, number>>;
	/** Readings that were stored before, over all owners. */
	readonly duplicates: number;
	/** Tensors alive in the scoring worker when last told; NaN before. */
	readonly tensors: number;
	/** Troubles of the link, each as often as it began. */
	readonly troubles: Readonly<Record<string, number>>;
}

const longestLatencyMs = 60_000;
const longGapMs = 2_000;
const mostLinks = 400;
const nothingHeard = () => ({
	commits: 0,
	readings: 0,
	lastAt: Date.now(),
	longestGapMs: 0,
	gaps: [] as { from: EpochMs; ms: number }[],
	links: [] as { at: EpochMs; said: string }[],
	duplicates: 0,
	pending: 0,
	mostPending: 0,
	reasons: {} as Record<string, number>,
	tensors: NaN,
	trouble: undefined as string | undefined,
	troubles: {} as Record<string, number>,
	latencies: new Uint32Array(longestLatencyMs + 1),
	/** Those since somebody asked. */
	recent: new Uint32Array(longestLatencyMs + 1)
});
let heard = nothingHeard();
let channel: BroadcastChannel | undefined;

function hear(message: LiveMessage): void {
	if (message.kind === 'link') {
		const { trouble } = message.status;
		if (trouble && trouble !== heard.trouble) heard.troubles[trouble] = (heard.troubles[trouble] ?? 0) + 1;
		heard.trouble = trouble;
		const said = [message.status.state, trouble, message.status.detail].filter(Boolean).join(': ');
		if (said !== heard.links.at(-1)?.said) heard.links = [...heard.links, { at: Date.now(), said }].slice(-mostLinks);
	}
	if (message.kind === 'intake') {
		heard.pending = message.counters.pending;
		heard.mostPending = Math.max(heard.mostPending, heard.pending);
		const before = heard.reasons['duplicate'] ?? 0;
		heard.reasons = Object.fromEntries(
			Object.entries(message.counters.byReason).map(([reason, { count }]) => [reason, count])
		);
		const duplicates = heard.reasons['duplicate'] ?? 0;
		// A new owner counts from nothing.
		heard.duplicates += duplicates >= before ? duplicates - before : duplicates;
	}
	if (message.kind === 'inference') heard.tensors = message.status.tensors ?? NaN;
	if (message.kind !== 'readings') return;
	const now = Date.now();
	const gapMs = now - heard.lastAt;
	heard.longestGapMs = Math.max(heard.longestGapMs, gapMs);
	if (gapMs > longGapMs) heard.gaps.push({ from: heard.lastAt, ms: gapMs });
	heard.lastAt = now;
	heard.commits++;
	const { times } = message.batch;
	heard.readings += times.length;
	for (let i = 0; i < times.length; i++)
		heard.recent[Math.min(longestLatencyMs, Math.max(0, Math.round(now - times[i]!)))]!++;
}

/** The latency that so large a share stays below; NaN without readings. */
function latencyAt(latencies: Uint32Array, share: number): number {
	const count = latencies.reduce((sum, one) => sum + one, 0);
	let left = count * share;
	for (let ms = 0; count > 0 && ms <= longestLatencyMs; ms++) if ((left -= latencies[ms]!) <= 0) return ms;
	return NaN;
}

const inspector = {
	/** Begins to follow what acquisition says on the live channel; counts from now on. */
	listen(workspace: WorkspaceName): void {
		channel?.close();
		channel = new BroadcastChannel(liveChannelName(workspace));
		channel.onmessage = (event: MessageEvent<LiveMessage>) => hear(event.data);
		inspector.listenAnew();
	},
	/** Counts from now on. */
	listenAnew(): void {
		heard = nothingHeard();
	},
	heard(): Commits {
		const { commits, readings, lastAt, pending, mostPending, reasons, tensors, troubles, gaps, links, duplicates } =
			heard;
		const longestGapMs = Math.max(heard.longestGapMs, Date.now() - heard.lastAt);
		const { latencies, recent } = heard;
		heard.recent = new Uint32Array(recent.length);
		for (let ms = 0; ms < recent.length; ms++) latencies[ms]! += recent[ms]!;
		return {
			commits,
			readings,
			lastAt,
			longestGapMs,
			gaps,
			links,
			duplicates,
			p50Ms: latencyAt(latencies, 0.5),
			p95Ms: latencyAt(latencies, 0.95),
			recentP95Ms: latencyAt(recent, 0.95),
			pending,
			mostPending,
			reasons,
			tensors,
			troubles
		};
	},
	/**
	 * Counts messages by the number each carries in the sensor `idSensor` (0 to `total` - 1; below 0: none); `stampSensor`, if named, holds the stated
	 * time less `epoch`.
	 */
	async countIds(
		workspace: WorkspaceName,
		{ idSensor, stampSensor, epoch, total }: { idSensor: string; stampSensor?: string; epoch: number; total: number }
	): Promise<CountedIds> {
		const store = await openStore(workspace);
		try {
			const seen = new Uint8Array(total);
			let rows = 0;
			let distinct = 0;
			let wrongTimes = 0;
			const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
			const named = (await store.registry.sensors()).filter(({ name }) => name === idSensor);
			for (let at = 0; at < named.length; at += 500) {
				const some = named.slice(at, at + 500);
				const slices = await store.series.query({ ...all, sensorIds: some.map(({ id }) => id) });
				const stamps = stampSensor
					? await store.series.query({ ...all, sensorIds: some.map(({ machineId }) => `${machineId}:${stampSensor}`) })
					: undefined;
				slices.forEach((slice, index) => {
					const stamp = stamps?.[index];
					if (stamp && stamp.times.length !== slice.times.length)
						wrongTimes += Math.abs(stamp.times.length - slice.times.length);
					for (let i = 0; i < slice.times.length; i++) {
						const id = slice.mean[i]!;
						if (id < 0) continue;
						rows++;
						if (id < total && seen[id] === 0) {
							seen[id] = 1;
							distinct++;
						}
						if (stamp && (stamp.times[i] !== slice.times[i] || stamp.mean[i]! + epoch !== slice.times[i])) wrongTimes++;
					}
				});
			}
			const missing: number[] = [];
			for (let id = 0; id < total && missing.length < 20; id++) if (seen[id] === 0) missing.push(id);
			return { rows, distinct, wrongTimes, missing };
		} finally {
			store.close();
		}
	},
	async statistics(workspace: WorkspaceName) {
		const store = await openStore(workspace);
		try {
			return await store.series.statistics();
		} finally {
			store.close();
		}
	},
	/** Values stored of sensors, from the counts of rollups: what the pipeline derives is left out. */
	async measured(workspace: WorkspaceName): Promise<number> {
		const store = await openStore(workspace);
		try {
			let values = 0;
			for (const { id, machineId, name } of await store.registry.sensors()) {
				const extent = await store.series.extent(machineId);
				if (!extent || isDerivedSeries(name)) continue;
				const slices = await store.series.query({ ...extent, sensorIds: [id], maxPoints: 1_000 });
				for (const { counts } of slices) values += counts.reduce((sum, count) => sum + count, 0);
			}
			return values;
		} finally {
			store.close();
		}
	},
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
