/**
 * `npm test`: every check of the project in order, and one closing line `N passed, N failed`.
 *
 * Each step counts as one unless it is a Vitest project, which counts its tests. Later steps run even when an earlier one
 * failed, so that one look shows everything; the exit code is 1 when anything failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let passed = 0;
let failed = 0;
let skipped = 0;
const failures: string[] = [];
const seconds: [string, number][] = [];

function step(title: string, command: readonly string[]): boolean {
	console.log(`\n=== ${title}`);
	const started = Date.now();
	const { status } = spawnSync('npx', ['--no-install', ...command], { stdio: ['ignore', 'inherit', 'inherit'] });
	seconds.push([title, (Date.now() - started) / 1000]);
	return status === 0;
}

function check(title: string, command: readonly string[]): boolean {
	const good = step(title, command);
	if (good) passed++;
	else {
		failed++;
		failures.push(title);
	}
	return good;
}

function tests(project: string): void {
	const folder = mkdtempSync(join(tmpdir(), 'millwright-tests-'));
	const output = join(folder, 'result.json');
	const good = step(`Tests: ${project}`, [
		'vitest',
		'run',
		'--project',
		project,
		'--reporter=default',
		'--reporter=json',
		`--outputFile.json=${output}`
	]);
	try {
		const result = JSON.parse(readFileSync(output, 'utf8')) as {
			numPassedTests: number;
			numFailedTests: number;
			numPendingTests: number;
		};
		passed += result.numPassedTests;
		failed += result.numFailedTests;
		skipped += result.numPendingTests;
		// A file that could not even load fails the run without failing a test.
		if (!good && result.numFailedTests === 0) failed++;
		if (!good) failures.push(`tests: ${project}`);
	} catch {
		failed++;
		failures.push(`tests: ${project} (no result)`);
	}
	rmSync(folder, { recursive: true, force: true });
}

const only = process.argv.slice(2);
const wanted = (name: string) => only.length === 0 || only.includes(name);

if (wanted('prepare') && !check('Chromium and Mosquitto', ['tsx', 'tests/tools/prepare.ts'])) process.exit(1);
if (wanted('lint')) check('Lint', ['eslint', '--max-warnings', '0', '.']);
if (wanted('types')) check('Types', ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings']);
if (wanted('unit')) tests('unit');
if (wanted('build')) check('Build', ['vite', 'build', '--logLevel', 'warn']);
if (wanted('browser')) tests('browser');
if (wanted('e2e')) tests('e2e');

console.log('');
for (const [title, time] of seconds) console.log(`${time.toFixed(0).padStart(5)} s  ${title}`);
if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`);
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
