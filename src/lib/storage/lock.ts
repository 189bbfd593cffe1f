/**
 * Storage: one worker at a time across all tabs (Web Locks), or across this context where the platform has none (Node).
 */
const held = new Map<string, Promise<unknown>>();

/** Runs `work` under the lock; with `ifFree`, gives undefined at once when somebody else holds it. */
export async function withLock<T>(name: string, ifFree: boolean, work: () => Promise<T>): Promise<T | undefined> {
	const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
	if (locks) return locks.request(name, { ifAvailable: ifFree }, async (lock) => (lock ? work() : undefined));
	if (ifFree && held.has(name)) return undefined;
	const before = held.get(name) ?? Promise.resolve();
	const turn = before.then(work);
	const settled = turn
		.catch(() => undefined)
		.then(() => {
			if (held.get(name) === settled) held.delete(name);
		});
	held.set(name, settled);
	return turn;
}

/** Whether somebody waits for the lock, in whatever tab; never where the platform has no such locks. */
export async function isLockWanted(name: string): Promise<boolean> {
	if (typeof navigator === 'undefined' || !navigator.locks) return false;
	const { pending } = await navigator.locks.query();
	return pending?.some((request) => request.name === name) ?? false;
}
