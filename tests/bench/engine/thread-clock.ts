/**
 * Benchmark: processor time of one Chromium worker thread, so that other work on the machine does not count. In: Linux' /proc,
 * for the processes that this one started. Out: milliseconds; undefined where there is no such clock (then wall time is used).
 */
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}

const list = (path: string) => {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
};

function isOurs(pid: string): boolean {
	for (let at = Number(pid); at > 1;) {
		if (at === process.pid) return true;
		// "pid (name) state parent": the name may hold anything, a closing bracket too.
		at = Number(
			read(`/proc/${at}/stat`)
				.replace(/^.*\) /s, '')
				.split(' ')[1] ?? 0
		);
	}
	return false;
}

/** schedstat files of all worker threads of our Chromium. */
function workerThreads(): string[] {
	return list('/proc')
		.filter((name) => /^\d+$/.test(name) && isOurs(name))
		.flatMap((pid) => list(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`))
		.filter((thread) => read(`${thread}/comm`).startsWith('DedicatedWorker'))
		.map((thread) => `${thread}/schedstat`);
}

const millisecondsOf = (path: string) => Number(read(path).split(' ')[0] || NaN) / 1e6;

/** Finds the worker thread that is busy while `work` runs. */
export async function findThreadClock(work: () => Promise<unknown>): Promise<(() => number) | undefined> {
	const before = new Map(workerThreads().map((path) => [path, millisecondsOf(path)]));
	await work();
	let found: string | undefined;
	let most = 1;
	for (const [path, start] of before) {
		const spent = millisecondsOf(path) - start;
		if (spent > most) [found, most] = [path, spent];
	}
	const path = found;
	return path ? () => millisecondsOf(path) : undefined;
}
