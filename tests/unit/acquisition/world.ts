/** For tests of Data Acquisition in Node: sockets by `ws`, a store in memory whose commits the test can hold. */
import WebSocket from 'ws';
import type {
	EdgeNodeBirth,
	EdgeNodeCount,
	LiveMessage,
	MachineRecord,
	ReadingBatch,
	SensorRecord,
	SourceSettings
} from '$lib/contracts';
import type { AcquisitionStore, CommitReceipt, ReadingStore, SocketLike, World } from '$lib/acquisition/ports';

export const testWorld: Pick<World, 'openSocket' | 'measureWaveform' | 'now' | 'random' | 'onHttpsPage'> = {
	openSocket: (url, protocol) => new WebSocket(url, [protocol]) as unknown as SocketLike,
	measureWaveform: ({ samples }) => ({ rms: Math.hypot(...samples) / Math.sqrt(samples.length) }),
	now: () => Date.now(),
	random: () => 0.5,
	onHttpsPage: false
};

/** Keeps each (sensor, time) once, like the real store. */
export class MemoryStore implements ReadingStore {
	readonly values = new Map<string, Map<number, number>>();
	readonly machines = new Map<string, MachineRecord>();
	readonly sensors = new Map<string, SensorRecord>();
	appends = 0;
	/** While set, appends wait for it. */
	gate: Promise<void> | undefined;
	/** While set, appends fail with it. */
	failure: Error | undefined;

	readonly series = {
		append: async (batch: ReadingBatch): Promise<CommitReceipt> => {
			this.appends++;
			await this.gate;
			if (this.failure) throw this.failure;
			let stored = 0;
			let duplicates = 0;
			let conflicts = 0;
			for (let i = 0; i < batch.times.length; i++) {
				const id = batch.sensorIds[batch.series[i]!]!;
				const series = this.values.get(id) ?? new Map<number, number>();
				this.values.set(id, series);
				const old = series.get(batch.times[i]!);
				if (old === undefined) {
					series.set(batch.times[i]!, batch.values[i]!);
					stored++;
				} else if (Object.is(old, batch.values[i]!)) duplicates++;
				else conflicts++;
			}
			return { stored, duplicates, conflicts, outOfOrder: 0 };
		}
	};
	readonly registry = {
		machines: async () => [...this.machines.values()],
		sensors: async () => [...this.sensors.values()],
		upsert: async (machines: readonly MachineRecord[], sensors: readonly SensorRecord[]) => {
			for (const machine of machines) this.machines.set(machine.id, machine);
			for (const sensor of sensors) this.sensors.set(sensor.id, sensor);
		}
	};

	/** Closes the gate; the returned function opens it. */
	hold(): () => void {
		let open = () => {};
		this.gate = new Promise((resolve) => {
			open = () => {
				this.gate = undefined;
				resolve();
			};
		});
		return open;
	}

	seriesOf(id: string): [number, number][] {
		return [...(this.values.get(id) ?? [])].sort((a, b) => a[0] - b[0]);
	}

	get count(): number {
		let count = 0;
		for (const series of this.values.values()) count += series.size;
		return count;
	}
}

/** Births and counts of edge nodes, as storage keeps them. */
export function keptEdgeNodes(): AcquisitionStore['edgeNodes'] {
	const births = new Map<string, EdgeNodeBirth>();
	const counts = new Map<string, EdgeNodeCount>();
	return {
		all: async () => [...births.values()].map((birth) => ({ birth, count: counts.get(birth.node) })),
		save: async (changes) => {
			for (const node of changes.gone) for (const rows of [births, counts]) rows.delete(node);
			for (const birth of changes.births) births.set(birth.node, structuredClone(birth));
			for (const count of changes.counts) counts.set(count.node, structuredClone(count));
		},
		clear: async () => [births, counts].forEach((rows) => rows.clear())
	};
}

/** A whole world for `Acquisition`: one store and one channel per workspace, a lock that queues. */
export function memoryWorld() {
	const store = new MemoryStore();
	const settings = new Map<string, unknown>();
	const settingWatchers = new Map<string, Set<(value: unknown) => void>>();
	const sourceWatchers = new Set<(source: SourceSettings) => void>();
	let source: SourceSettings = { kind: 'none' };
	const posted: LiveMessage[] = [];
	const listeners = new Set<(message: LiveMessage) => void>();
	const logged = new Map<string, number>();
	const edgeNodes = keptEdgeNodes();
	let turn: Promise<void> = Promise.resolve();
	const full: AcquisitionStore = {
		series: {
			append: store.series.append,
			latest: async (ids) =>
				new Map(
					ids.flatMap((id) => {
						const newest = store.seriesOf(id).at(-1);
						return newest ? [[id, { time: newest[0] }] as const] : [];
					})
				),
			deleteMachine: async (machineId) => {
				for (const id of store.values.keys()) if (id.startsWith(`${machineId}:`)) store.values.delete(id);
			}
		},
		registry: { ...store.registry, watch: () => () => undefined },
		settings: {
			watchSource(onChange) {
				sourceWatchers.add(onChange);
				queueMicrotask(() => onChange(source));
				return () => sourceWatchers.delete(onChange);
			},
			get: async <T>(key: string) => settings.get(key) as T | undefined,
			set: async (key, value) => {
				settings.set(key, value);
				for (const watcher of settingWatchers.get(key) ?? []) watcher(value);
			},
			watch: <T>(key: string, onChange: (value: T | undefined) => void) => {
				const watchers = settingWatchers.get(key) ?? new Set();
				settingWatchers.set(key, watchers.add(onChange as (value: unknown) => void));
				queueMicrotask(() => onChange(settings.get(key) as T | undefined));
				return () => watchers.delete(onChange as (value: unknown) => void);
			}
		},
		edgeNodes,
		intakeLog: { record: async (reason, count) => void logged.set(reason, (logged.get(reason) ?? 0) + count) },
		close: () => undefined
	};
	const world: World = {
		...testWorld,
		openStore: async () => full,
		openChannel: () => {
			const mine = new Set<(message: LiveMessage) => void>();
			return {
				post(message) {
					posted.push(message);
					for (const listener of listeners) if (!mine.has(listener)) listener(message);
				},
				onMessage(listener) {
					mine.add(listener);
					listeners.add(listener);
					return () => listeners.delete(listener);
				},
				close: () => mine.forEach((listener) => listeners.delete(listener))
			};
		},
		lock(_name, signal, run) {
			const mine = turn.then(() => (signal.aborted ? undefined : run()));
			turn = mine.catch(() => undefined);
			return mine;
		}
	};
	return {
		world,
		store,
		settings,
		posted,
		logged,
		setSource(next: SourceSettings) {
			source = next;
			for (const watcher of sourceWatchers) watcher(next);
		},
		get link() {
			return posted.findLast((message) => message.kind === 'link')?.status;
		},
		get counters() {
			return posted.findLast((message) => message.kind === 'intake')?.counters;
		}
	};
}
