/** Accessibility of what a page shows now. In: a page. Out: one line per serious or critical finding of axe: rule, what it says, where. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function findings(page: Page): Promise<string[]> {
	await page.evaluate(axe);
	const results = (await page.evaluate(() =>
		(globalThis as unknown as { axe: { run(): Promise<unknown> } }).axe.run()
	)) as AxeResults;
	return results.violations
		.filter(({ impact }) => impact === 'serious' || impact === 'critical')
		.map(
			({ id, help, nodes }) =>
				`${id}: ${help} - ${nodes
					.map(({ target }) => target.join(' '))
					.slice(0, 3)
					.join(' | ')}`
		);
}
