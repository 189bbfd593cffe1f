/**
 * Storage: live queries across tabs (Dexie's liveQuery), with errors kept from ending the watch in silence.
 */
import Dexie, { liveQuery } from 'dexie';

/** Calls back at once and after every change of what `read` reads, from any tab or worker. Returns unsubscribe. */
export function watchQuery<T>(
	read: () => PromiseLike<T>,
	onChange: (value: T) => void,
	isClosed: () => boolean
): () => void {
	let stopped = false;
	let timer: ReturnType<typeof setTimeout> | undefined;
	let subscription: { unsubscribe(): void } | undefined;
	const start = () => {
		subscription = liveQuery(() => Promise.resolve(read())).subscribe({
			next: (value) => {
				if (!stopped) onChange(value);
			},
			error: () => {
				// A dropped connection ends a live query: begin again, unless the store was closed on purpose.
				if (stopped || isClosed()) return;
				timer = setTimeout(start, 1000);
			}
		});
	};
	start();
	return () => {
		stopped = true;
		if (timer !== undefined) clearTimeout(timer);
		subscription?.unsubscribe();
	};
}

/** Reading large tables anew takes at most this share of a context's time. */
const READ_SHARE = 0.05;

/**
 * As `watchQuery`, for whole tables that may be large and change often, as a registry does while thousands of machines report
 * for the first time: changes that come quickly are told together, the rarer the longer reading and telling take.
 */
export function watchTables<T>(
	database: { readonly name: string },
	tables: readonly string[],
	read: () => PromiseLike<T>,
	onChange: (value: T) => void,
	isClosed: () => boolean
): () => void {
	const prefixes = tables.map((table) => `idb://${database.name}/${table}/`);
	let stopped = false;
	let reading = false;
	let changed = false;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const refresh = async () => {
		timer = undefined;
		reading = true;
		changed = false;
		const begin = performance.now();
		let pauseMs = 1_000;
		try {
			const value = await read();
			if (stopped) return;
			onChange(value);
			// Small tables are told of at once.
			const took = performance.now() - begin;
			pauseMs = took < 10 ? 0 : took / READ_SHARE;
		} catch {
			// A dropped connection: read again, unless the store was closed on purpose.
			if (stopped || isClosed()) return;
			changed = true;
		} finally {
			reading = false;
			if (!stopped && pauseMs > 0) timer = setTimeout(settle, pauseMs);
			else if (changed && !stopped) void refresh();
		}
	};
	const settle = () => {
		timer = undefined;
		if (changed && !stopped) void refresh();
	};
	const hear = (parts: Record<string, unknown>) => {
		if (!Object.keys(parts).some((part) => prefixes.some((prefix) => part.startsWith(prefix)))) return;
		changed = true;
		if (!reading && timer === undefined) void refresh();
	};
	Dexie.on('storagemutated', hear as never);
	void refresh();
	return () => {
		stopped = true;
		clearTimeout(timer);
		Dexie.on.storagemutated.unsubscribe(hear as never);
	};
}
