/**
 * What a tab holds in memory after garbage is collected: the page and each of its workers, asked over the DevTools protocol.
 */
import type { CDPSession } from 'playwright-core';

/** A DevTools session with a page: Playwright's, or a bare one. */
type Session = Pick<CDPSession, 'send' | 'on'>;

export interface TabHeap {
	/** JavaScript heaps of page and workers, typed arrays included, in MB (10^6 bytes). */
	readonly totalMb: number;
	/** By script: `page`, `acquisition`, `inference`, ... */
	readonly partsMb: Readonly<Record<string, number>>;
	/** DOM nodes, detached ones included. */
	readonly nodes: number;
}

export interface TabMeter {
	measure(): Promise<TabHeap>;
	/** Samples what one script (`acquisition`, ...) computes until the returned function is called, which gives a `.cpuprofile`. */
	profile(script: string): Promise<() => Promise<unknown>>;
}

interface HeapUsage {
	readonly usedSize: number;
	/** Typed arrays; newer browsers only. */
	readonly backingStorageSize?: number;
}

const bytesOf = ({ usedSize, backingStorageSize = 0 }: HeapUsage) => usedSize + backingStorageSize;

/** Workers that end drop out of the sum, new ones come in. */
export async function openMeter(session: Session): Promise<TabMeter> {
	const workers = await followWorkers(session);
	await session.send('Performance.enable');
	return {
		async measure() {
			await session.send('HeapProfiler.collectGarbage');
			const partsMb: Record<string, number> = { page: bytesOf(await session.send('Runtime.getHeapUsage')) / 1e6 };
			for (const worker of workers.values()) {
				await worker.send('HeapProfiler.collectGarbage');
				const usage = (await worker.send('Runtime.getHeapUsage')) as HeapUsage | undefined;
				if (usage) partsMb[worker.name] = (partsMb[worker.name] ?? 0) + bytesOf(usage) / 1e6;
			}
			const { metrics } = await session.send('Performance.getMetrics');
			return {
				totalMb: Object.values(partsMb).reduce((sum, part) => sum + part, 0),
				partsMb,
				nodes: metrics.find(({ name }) => name === 'Nodes')?.value ?? NaN
			};
		},
		async profile(script) {
			const one = [...workers.values()].find(({ name }) => name === script);
			const send = (method: string, params?: object): Promise<unknown> =>
				script === 'page'
					? session.send(method as 'Profiler.start', params as never)
					: (one?.send(method, params) ?? Promise.resolve());
			await send('Profiler.enable');
			await send('Profiler.setSamplingInterval', { interval: 250 });
			await send('Profiler.start');
			return async () => ((await send('Profiler.stop')) as { profile: unknown } | undefined)?.profile;
		}
	};
}

interface WorkerSession {
	readonly name: string;
	/** Undefined when the worker ends before it answers, or refuses. */
	send(method: string, params?: object): Promise<unknown>;
}

/** A worker's own session, which Playwright does not offer, by messages wrapped in the page's. */
async function followWorkers(session: Session): Promise<ReadonlyMap<string, WorkerSession>> {
	const workers = new Map<string, WorkerSession>();
	const waiting = new Map<number, { sessionId: string; resolve: (result: unknown) => void }>();
	let lastId = 0;
	session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
		if (targetInfo.type !== 'worker') return;
		workers.set(sessionId, {
			name: /(\w+)\.worker/.exec(targetInfo.url)?.[1] ?? 'other',
			send: (method, params) =>
				new Promise((resolve) => {
					const id = ++lastId;
					waiting.set(id, { sessionId, resolve });
					session
						.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) })
						.catch(() => resolve(undefined));
				})
		});
	});
	session.on('Target.receivedMessageFromTarget', ({ message }) => {
		const { id, result } = JSON.parse(message) as { id?: number; result?: unknown };
		if (id === undefined) return;
		waiting.get(id)?.resolve(result);
		waiting.delete(id);
	});
	session.on('Target.detachedFromTarget', ({ sessionId }) => {
		workers.delete(sessionId);
		for (const [id, one] of waiting)
			if (one.sessionId === sessionId) {
				one.resolve(undefined);
				waiting.delete(id);
			}
	});
	await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
	return workers;
}
