/**
 * `npm test`: every check of the project, and one closing line `N passed, N failed`.
 *
 * Each step counts as one unless it is a Vitest project, which counts its tests. Later steps run even when an earlier one
 * failed, so that one look shows everything; the exit code is 1 when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let passed = 0;
let failed = 0;
let skipped = 0;
const failures: string[] = [];
const secondTries: string[] = [];
const seconds: [string, number][] = [];

/** Runs a command. Output is shown as it comes; beside another step, whole at the end. */
function step(title: string, command: readonly string[], beside: boolean): Promise<boolean> {
	if (!beside) console.log(`\n=== ${title}`);
	const started = Date.now();
	return new Promise((resolve) => {
		const output = beside ? 'pipe' : 'inherit';
		const child = spawn('npx', ['--no-install', ...command], { stdio: ['ignore', output, output] });
		let text = '';
		child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
		child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
		child.on('close', (code) => {
			seconds.push([title, (Date.now() - started) / 1000]);
			if (beside) console.log(`\n=== ${title}\n${text}`);
			resolve(code === 0);
		});
	});
}

async function check(title: string, command: readonly string[], beside = false): Promise<boolean> {
	const good = await step(title, command, beside);
	if (good) passed++;
	else {
		failed++;
		failures.push(title);
	}
	return good;
}

async function tests(project: string, beside = false): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'millwright-tests-'));
	const output = join(folder, 'result.json');
	const good = await step(
		`Tests: ${project}`,
		['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
		beside
	);
	try {
		const result = JSON.parse(readFileSync(output, 'utf8')) as {
			numPassedTests: number;
			numFailedTests: number;
			numPendingTests: number;
			testResults: { assertionResults: { status: string; fullName: string; failureMessages?: string[] }[] }[];
		};
		passed += result.numPassedTests;
		failed += result.numFailedTests;
		skipped += result.numPendingTests;
		const named = result.testResults.flatMap(({ assertionResults }) =>
			assertionResults.flatMap(({ status, fullName }) => (status === 'failed' ? [`${project}: ${fullName}`] : []))
		);
		failures.push(...named);
		secondTries.push(
			...result.testResults.flatMap(({ assertionResults }) =>
				assertionResults.flatMap(({ status, fullName, failureMessages }) =>
					status === 'passed' && failureMessages?.length ? [`${project}: ${fullName}: ${failureMessages[0]}`] : []
				)
			)
		);
		// A file that could not even load fails the run without failing a test.
		if (!good && result.numFailedTests === 0) failed++;
		if (!good && named.length === 0) failures.push(`tests: ${project}`);
	} catch {
		failed++;
		failures.push(`tests: ${project} (no result)`);
	}
	rmSync(folder, { recursive: true, force: true });
}

const only = process.argv.slice(2);
const wanted = (name: string) => only.length === 0 || only.includes(name);

if (wanted('prepare') && !(await check('Chromium and Mosquitto', ['tsx', 'tests/tools/prepare.ts']))) process.exit(1);

/** Static checks and the build, one after the other, beside the tests in Node: each takes about one core. */
async function inspect(): Promise<void> {
	if (wanted('lint')) await check('Lint', ['eslint', '--max-warnings', '0', '.'], true);
	if (wanted('types'))
		await check('Types', ['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings'], true);
	if (wanted('build')) await check('Build', ['vite', 'build', '--logLevel', 'warn'], true);
}
await Promise.all([inspect(), wanted('unit') && tests('unit', true)]);
if (wanted('browser')) await tests('browser');
if (wanted('e2e')) await tests('e2e');
if (wanted('benchmarks')) await tests('benchmarks');

console.log('');
for (const [title, time] of seconds) console.log(`${time.toFixed(0).padStart(5)} s  ${title}`);
if (secondTries.length > 0)
	console.log(`\nPassed at a second try only:\n${secondTries.map((test) => `  ${test}`).join('\n')}`);
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
