/** Neural: lets waiting events (a cancel, a message) run between two chunks of work, without the 4 ms of a nested timer. */
const channel = typeof setImmediate === 'undefined' ? new MessageChannel() : undefined;
const waiting: (() => void)[] = [];
if (channel) channel.port1.onmessage = () => waiting.shift()?.();

/** Resolves in a later task. */
export function eventTurn(): Promise<void> {
	return new Promise((resolve) => {
		if (!channel) setImmediate(resolve);
		else {
			waiting.push(resolve);
			channel.port2.postMessage(0);
		}
	});
}

/** A turn only when `everyMs` have gone by since the last: cheap enough to await after each chunk. */
export function pacedTurns(everyMs = 24): () => Promise<void> | undefined {
	let last = performance.now();
	return () => {
		if (performance.now() - last < everyMs) return undefined;
		return eventTurn().then(() => {
			last = performance.now();
		});
	};
}
