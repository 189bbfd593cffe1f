/**
 * Storage: live queries across tabs (Dexie's liveQuery), with errors kept from ending the watch in silence.
 */
import { liveQuery } from 'dexie';

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
