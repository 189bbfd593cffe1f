/**
 * Who uses the processors while a load runs: broker, publisher, the browser's processes, and the threads of its tabs.
 *
 * From /proc, so on Linux alone; elsewhere there is nothing to report.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Ticks of the kernel's clock per second (USER_HZ, the same on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;

/**
 * Counts from now on; the returned function gives processor seconds since by part, e.g. `broker`, `tab:DedicatedWorker`. Processes `named` are
 * counted by these names, browser processes below this one by what they are; threads of one name are added up.
 */
export function followProcessors(named: Readonly<Record<string, number | undefined>>): () => Record<string, number> {
	const before = readTimes(named);
	return () => {
		const seconds: Record<string, number> = {};
		for (const [key, { part, ticks }] of readTimes(named)) {
			const since = ticks - (before.get(key)?.ticks ?? 0);
			seconds[part] = (seconds[part] ?? 0) + since / TICKS_PER_SECOND;
		}
		return seconds;
	};
}

interface Used {
	readonly part: string;
	readonly ticks: number;
}

/** Processor time so far, by process and, in the tabs' processes, by thread. */
function readTimes(named: Readonly<Record<string, number | undefined>>): Map<string, Used> {
	const times = new Map<string, Used>();
	if (!existsSync('/proc/self/task')) return times;
	for (const [part, pid] of Object.entries(named)) {
		const ticks = pid === undefined ? undefined : ticksOf(`/proc/${pid}/stat`);
		if (ticks !== undefined) times.set(String(pid), { part, ticks });
	}
	for (const pid of descendants(process.pid)) {
		const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
		if (!/chrom/i.test(command) || times.has(String(pid))) continue;
		const type =
			/--utility-sub-type=[\w.]*?(\w+)Service/.exec(command)?.[1] ?? /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser';
		if (type !== 'renderer') {
			const ticks = ticksOf(`/proc/${pid}/stat`);
			if (ticks !== undefined) times.set(String(pid), { part: type.toLowerCase(), ticks });
			continue;
		}
		for (const thread of list(`/proc/${pid}/task`)) {
			const path = `/proc/${pid}/task/${thread}`;
			const ticks = ticksOf(`${path}/stat`);
			const name = read(`${path}/comm`).trim().replace(/\d+$/, '');
			if (ticks !== undefined) times.set(`${pid}/${thread}`, { part: `tab:${name}`, ticks });
		}
	}
	return times;
}

function descendants(root: number): number[] {
	const childrenOf = new Map<number, number[]>();
	for (const name of list('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		const parent = Number(fields(`/proc/${name}/stat`)[1]);
		childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
	}
	const found: number[] = [];
	for (let wave = [root]; wave.length > 0;) {
		wave = wave.flatMap((pid) => childrenOf.get(pid) ?? []);
		found.push(...wave);
	}
	return found;
}

/** User and system time of a process or thread; undefined once it has ended. */
function ticksOf(path: string): number | undefined {
	const values = fields(path);
	return values.length > 0 ? Number(values[11]) + Number(values[12]) : undefined;
}

/** What follows the name (which may hold spaces) in a stat file: state, parent, ... */
function fields(path: string): string[] {
	const text = read(path);
	return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}

function list(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}
