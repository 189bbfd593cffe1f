/**
 * Every benchmark runs in its quick version and ends with one line of JSON that holds what it promises. Several at a time: what
 * they measure is not looked at here.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const benchmarks = Object.keys(scripts).filter((name) => name.startsWith('bench:'));

function runQuick(script: string): Promise<{ code: number | null; lastLine: string; progress: string }> {
	return new Promise((resolve, reject) => {
		const child = spawn('npm', ['run', '--silent', script, '--', '--quick'], { stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		let progress = '';
		child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
		child.stderr.on('data', (chunk: Buffer) => (progress += chunk.toString()));
		child.on('error', reject);
		child.on('close', (code) => resolve({ code, lastLine: output.trim().split('\n').at(-1) ?? '', progress }));
	});
}

describe('benchmarks', () => {
	test.concurrent.each(benchmarks)('%s --quick', async (script) => {
		const { code, lastLine, progress } = await runQuick(script);
		expect(code, progress.slice(-2000)).toBe(0);
		const result = JSON.parse(lastLine) as {
			bench: string;
			rows: Record<string, number | null>;
			floors: object;
			context: object;
		};
		expect(`bench:${result.bench}`).toBe(script);
		expect(Object.keys(result.rows)).not.toEqual([]);
		for (const value of Object.values(result.rows)) expect(value === null || Number.isFinite(value)).toBe(true);
		expect(result.floors).toBeTypeOf('object');
		expect(result.context).toBeTypeOf('object');
	});
});
