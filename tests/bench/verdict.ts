/**
 * `npm run bench:verdict`: how long a reading waits for its verdict, and how many machines one tab can judge.
 *
 * The product's inference worker in Chromium, fed over the live channel: machines of all six classes (8 or 9 sensors each) at 1 Hz with the
 * shipped models and what is known of failures of their classes, verdicts stored as always. First with 1,000 machines, then with twice as many
 * each time until the 95th percentile passes 100 ms, a tenth of the verdicts is not seen, or not every machine is judged within two minutes; the last step is halved twice. Options: --machines 1000, --seconds 20, --most 32000, --quick (120 only).
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { parseBenchArguments, progress, report, servePage, withChromium } from './harness';
import type { VerdictFigures } from './pages/verdict/main';

const options = parseBenchArguments();
const first = options.number('machines', options.quick ? 120 : 1_000);
const seconds = options.number('seconds', options.quick ? 4 : 20);
const most = options.number('most', options.quick ? first : 32_000);
const budgetMs = 100;
const isHeld = ({ p95Ms, machines, judged, verdicts, expectedVerdicts }: VerdictFigures) =>
	p95Ms <= budgetMs && judged === machines && verdicts > 0.9 * expectedVerdicts;

const page = await servePage('tests/bench/pages/verdict', { plugins: [assemblyScript()] });
// Where the worker looks for the models that are shipped: beside itself.
cpSync('models', join(page.folder, 'assets', 'models'), { recursive: true });
const runs: VerdictFigures[] = [];
await withChromium(async (context) => {
	const measure = async (machines: number) => {
		// A tab of its own each time: nothing is left over.
		const tab = await context.newPage();
		tab.on('console', (message) => progress(message.text()));
		await tab.goto(page.url);
		const figures = await tab.evaluate(
			(request) => (globalThis as unknown as { measure(request: unknown): Promise<VerdictFigures> }).measure(request),
			{ machines, seconds }
		);
		await tab.close();
		runs.push(figures);
		progress(
			`${machines} machines: p50 ${figures.p50Ms} ms, p95 ${figures.p95Ms} ms, ${figures.verdicts} of ${figures.expectedVerdicts} verdicts seen, ${figures.judged} judged after ${figures.preparedSeconds.toFixed(0)} s${figures.problem ? `; ${figures.problem}` : ''}`
		);
		return isHeld(figures);
	};
	let holds = 0;
	let fails = Infinity;
	for (let machines = first; machines <= most && fails === Infinity; machines *= 2) {
		if (await measure(machines)) holds = machines;
		else fails = machines;
	}
	for (let step = 0; step < 2 && holds > 0 && fails < Infinity && !options.quick; step++) {
		const middle = Math.round((holds + fails) / 2);
		if (await measure(middle)) holds = middle;
		else fails = middle;
	}
});
await page.close();

const atFirst = runs[0]!;
const held = runs.filter(isHeld);
report(
	'verdict',
	{
		[`p95_ms_${first}`]: atFirst.p95Ms,
		saturation_machines: options.quick ? null : Math.max(0, ...held.map(({ machines }) => machines))
	},
	{ [`p95_ms_${first}`]: budgetMs },
	{
		...(options.quick ? { why_no_saturation: 'quick looks at one size only' } : {}),
		// False: the largest size that was tried still held.
		saturated: held.length < runs.length,
		seconds,
		sensors_at_first: atFirst.sensors,
		runs: runs.map(
			({ machines, judged, scored, preparedSeconds, p50Ms, p95Ms, shownP95Ms, verdicts, expectedVerdicts }) => ({
				machines,
				judged,
				scored,
				all_judged_after_s: judged === machines ? Math.round(preparedSeconds) : null,
				p50_ms: p50Ms,
				p95_ms: p95Ms,
				shown_p95_ms: shownP95Ms,
				verdicts_seen: verdicts,
				verdicts_expected: expectedVerdicts
			})
		)
	}
);
process.exit(0);
