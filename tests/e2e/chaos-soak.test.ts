/**
 * Short versions of `npm run chaos` and `npm run soak`: nothing lost or doubled while things break; and the app left alone is measured
 * for growth, without judging a slope that short. Both at once: each mostly waits for the clock.
 */
import { spawn } from 'node:child_process';
import { describe, test } from 'vitest';
import { findMosquitto } from '../tools/mosquitto';

interface Result {
	readonly rows: Record<string, number | null>;
	readonly context: Record<string, unknown>;
}

function run(script: string, ...options: string[]): Promise<{ code: number | null; result: Result; said: string }> {
	return new Promise((resolve, reject) => {
		const child = spawn('npm', ['run', '--silent', script, '--', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		let said = '';
		child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
		child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
		child.on('error', reject);
		child.on('close', (code) => {
			try {
				resolve({ code, result: JSON.parse(output.trim().split('\n').at(-1)!) as Result, said });
			} catch {
				reject(new Error(`${script} ended with code ${code} and no result:\n${said.slice(-2000)}`));
			}
		});
	});
}

describe.skipIf(!findMosquitto()).concurrent('chaos', () => {
	test('broker, tab, worker and network break: every message is stored once', async ({ expect }) => {
		const { code, result, said } = await run('chaos', '--quick', '--seed', '1');
		const { rows, context } = result;
		expect({ lost: rows['lost'], duplicated: rows['duplicated'] }, JSON.stringify(context)).toEqual({
			lost: 0,
			duplicated: 0
		});
		expect(rows['stored']).toBe(rows['published']);
		expect(rows['published']).toBeGreaterThan(1_000);
		expect(context['wrong_times']).toBe(0);
		expect(Object.keys(context['faults'] as object).length).toBeGreaterThan(3);
		expect(code, said.slice(-2000)).toBe(0);
	});
});

describe.concurrent('soak', () => {
	test('a plant with a machine open: all stored, no page error, growth measured', async ({ expect }) => {
		const { code, result, said } = await run('soak', '--quick');
		const { rows, context } = result;
		expect(code, said.slice(-2000)).toBe(0);
		expect(context['page_errors']).toEqual([]);
		expect(context['readings_stored']).toBeGreaterThan(0);
		expect(rows['heap_slope_mb_per_hour']).not.toBeNull();
		expect(rows['dom_node_slope_per_hour']).not.toBeNull();
		console.log(`soak: ${JSON.stringify(rows)}`);
	});
});
