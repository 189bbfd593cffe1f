/**
 * `npm run train:models -- --turbofan --data DIR`: trains the shipped remaining-life model on the training part of NASA's C-MAPSS FD001
 * and writes `models/turbofan-fd001/<version>/` and `models/remaining-life.json`. DIR, or `cmapss` in it, holds train_FD001.txt (or .gz);
 * no row of it is written anywhere. Read as an imported file is, trained by the page's own code and plan; the same seed gives the same
 * weights.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { format } from 'prettier';
import { previewLives, readLives } from '../src/lib/acquisition/files/life-table';
import { packBacktest, type RulBacktest, type RulModelVersion } from '../src/lib/contracts';
import { startEngine } from '../src/lib/neural';
import { errorsByLead, livesOf } from '../src/lib/state/prognostics/backtest-figures';
import { trainRul } from '../src/lib/training';

const root = new URL('./', import.meta.url);
const name = 'turbofan-fd001';
const versionName = 'v1';
const seed = 1;
/** Rows of the backtest that are shipped: every fourth draws the same curves. */
const backtestEvery = 4;

export async function trainTurbofan(data: string | undefined): Promise<void> {
	const file = findFile(data);
	const picked = new File([readFileSync(file)], basename(file));
	const { proposed } = await previewLives(picked);
	const { histories, summary } = await readLives(picked, proposed, {
		signal: new AbortController().signal,
		onProgress: () => undefined
	});
	const engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
	let member = 0;
	const { pkg, backtest } = await trainRul(engine, histories, {
		id: `${name}-${versionName}`,
		title: 'Turbofan (C-MAPSS FD001)',
		origin: 'shipped',
		createdAt: Date.UTC(2026, 10, 26),
		description: `NASA C-MAPSS FD001, training part: ${summary.failedUnits} simulated turbofans from new to failure, ${summary.rows} flights`,
		seed,
		onProgress: (progress) => {
			if (progress.member === member) return;
			member = progress.member;
			console.error(`network ${member} of ${progress.members}`);
		}
	});
	await engine.dispose();
	const folder = new URL(`${name}/${versionName}/`, root);
	rmSync(new URL(`${name}/`, root), { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	writeFileSync(new URL('model.json', folder), JSON.stringify(pkg.version, rounded, '\t') + '\n');
	writeFileSync(new URL('weights.bin', folder), new Uint8Array(pkg.weights));
	writeFileSync(new URL('backtest.json', folder), JSON.stringify(packBacktest(backtest, backtestEvery)) + '\n');
	const card = await format(writeCard(pkg.version, backtest), { parser: 'markdown' });
	writeFileSync(new URL('CARD.md', folder), card);
	const index = [{ id: pkg.version.id, path: `${name}/${versionName}/` }];
	writeFileSync(new URL('remaining-life.json', root), JSON.stringify(index, null, '\t') + '\n');
	const { crossValidatedRmse, ridgeRmse, coverage90 } = pkg.version.metrics;
	console.error(
		`${pkg.version.id}: ${crossValidatedRmse.toFixed(2)} cycles (ridge ${ridgeRmse?.toFixed(2)}), ${(100 * coverage90).toFixed(1)} % inside`
	);
}

function findFile(data: string | undefined): string {
	const wanted = 'train_FD001.txt';
	const folders = data === undefined ? [] : [data, join(data, 'cmapss')];
	const found = folders.flatMap((folder) => [join(folder, wanted), join(folder, `${wanted}.gz`)]).find(existsSync);
	if (!found)
		throw new Error(`${wanted} (or .gz) was not found${data ? ` under ${data}` : ''}: give its folder with --data`);
	return found;
}

/** Seven digits are more than float32 keeps; seconds differ from run to run and are left out. */
function rounded(key: string, value: unknown): unknown {
	if (key === 'seconds' || key === 'secondsPerMember') return 0;
	return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(8)) : value;
}

function writeCard(version: RulModelVersion, backtest: RulBacktest): string {
	const { metrics, spec, conditions, sensorNames, stepName } = version;
	const names = (indices: readonly number[]) => indices.map((i) => sensorNames[i]).join(', ');
	const rows = errorsByLead(livesOf(backtest), backtest).map(
		({ from, to, model, ridge, constant, coverage }) =>
			`| ${from.toFixed(0)} to ${to.toFixed(0)} | ${model.toFixed(1)} | ${ridge.toFixed(1)} | ${constant.toFixed(1)} | ${(100 * coverage).toFixed(0)} % |`
	);
	return `# ${version.title}: ${version.id}

Remaining life of a turbofan in flights, with a 90 % interval: the mean of ${version.members} LSTMs of ${spec.units.join('-')} units over windows of ${spec.windowSteps} ${stepName}s.

- **Data**: ${version.description} (Saxena, Goebel, Simon and Eklund 2008, "Damage propagation modeling for aircraft engine run-to-failure simulation"). Simulated, one fault mode, one operating condition. The data is not part of Millwright.
- **Sensors** (as numbered in the file, columns 6 to 26): ${names(conditions.sensors)}. Not used, since they say nothing of age: ${names(
		sensorNames.map((_, i) => i).filter((i) => !conditions.sensors.includes(i))
	)}, and those that never change
- **Seed** ${version.seed}. **Command**: \`npm run train:models -- --turbofan --data DIR\`
- **Weights**: ${version.members} networks, float32 one after the other, SHA-256 \`${version.weightsSha256}\`

## Metrics

By cross-validation over the ${metrics.units} units, each judged row by row by networks that had not seen it; life capped at ${spec.capSteps}, every unit weighing the same:

| | RMSE, ${stepName}s |
| --- | ---: |
| **this model** | **${metrics.crossValidatedRmse.toFixed(2)}** |
| floor: ridge regression on the means of windows | ${metrics.ridgeRmse?.toFixed(2)} |
| floor: always the mean | ${metrics.constantRmse.toFixed(2)} |

${(100 * metrics.coverage90).toFixed(1)} % of true values lie inside the 90 % interval.

| ${stepName}s before the failure | model | ridge | mean | inside the interval |
| --- | ---: | ---: | ---: | ---: |
${rows.join('\n')}

The plan was chosen among some fifty on these units and those of FD002, so these figures flatter a little; \`npm run bench:cmapss -- --data DIR\` trains the same plan and judges it on the
set's test units.

## Limits

- Beyond ${spec.capSteps} ${stepName}s nothing is told apart: it then says "at least".
- It needs a unit's history from new on, one row a ${stepName}, and at least ten of them.
- Engines with other faults or operating conditions (FD002 to FD004) and any real engine are unlike what it learnt from: train a model on their own failures.
`;
}
