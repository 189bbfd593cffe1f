/** Starts the process that publishes a load, and waits for what it says. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Load } from './publish-load';

export interface LoadResult {
	/** Messages the broker took. */
	readonly published: number;
	/** Seconds from the first message to the broker's last acknowledgement. */
	readonly lasted: number;
	/** Seconds by which the load was late at its end: what broker or publisher could not keep up with. */
	readonly behind: number;
	/** Processor time that publishing took. */
	readonly processorSeconds: number;
}

export interface RunningLoad {
	begin(): void;
	readonly done: Promise<LoadResult>;
}

export async function startLoad(load: Load): Promise<RunningLoad> {
	const script = new URL('./publish-load.ts', import.meta.url).pathname;
	const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(load)], {
		stdio: ['pipe', 'pipe', 'inherit']
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const failed = new Promise<never>((_, reject) =>
		child.once('exit', (code) => code && reject(new Error(`The publisher ended with code ${code}`)))
	);
	await Promise.race([lines.next(), failed]);
	const done = Promise.race([lines.next().then(({ value }) => JSON.parse(String(value)) as LoadResult), failed]);
	return { begin: () => void child.stdin.write('go\n'), done };
}
