/**
 * `npm run train:models -- --failures`: records how lives of a class that end in failure look to its shipped version, calibrates
 * what is told from them on other lives, and writes `failures.json` and `FAILURES.md` beside the model.
 */
import { writeFileSync } from 'node:fs';
import type { FailureLibrary, MachineClassId, ModelPackage } from '../src/lib/contracts';
import type { Engine } from '../src/lib/neural';
import { planLives } from './simulated-lives';
import { calibrateLibrary, recordFailures, watchLives } from './watch-lives';

/** Not to be reported on: `npm run bench:simrul` takes any other seed. */
const recordSeed = 11;
const calibrateSeed = 12;
const recordedPerFault = 2;
const calibratedPerFault = 2;

export function learnFailures(engine: Engine, pkg: ModelPackage, machineClass: MachineClassId, folder: URL): void {
	const lives = planLives(machineClass, recordSeed, recordedPerFault, 1);
	const library = recordFailures(
		engine,
		machineClass,
		pkg,
		lives,
		`${recordedPerFault} simulated lives of each fault, run to failure in 8 to 32 days (seed ${recordSeed})`
	);
	const others = planLives(machineClass, calibrateSeed, calibratedPerFault, 2);
	const looks = watchLives(engine, machineClass, pkg, others, library);
	const calibration = calibrateLibrary(looks, others.length);
	const whole: FailureLibrary = { ...library, calibration };
	writeFileSync(new URL('failures.json', folder), JSON.stringify(whole) + '\n');
	writeFileSync(new URL('FAILURES.md', folder), writeFailureCard(machineClass, whole));
	console.error(
		`${machineClass}: ${library.lives.length} lives recorded, ${JSON.stringify({ ...calibration, reliability: undefined })}`
	);
}

function writeFailureCard(
	machineClass: MachineClassId,
	{ modelId, lives, description, calibration }: FailureLibrary
): string {
	const { brier, lives: others, shift, widen, reliability } = calibration!;
	return `# Failures of ${machineClass}, as ${modelId} sees them

- **Data**: ${description}. Clock accelerated: a second of physics stands for a quarter of an hour.
- **Command**: \`npm run train:models -- --failures --class ${machineClass}\`
- **Calibrated** on ${others} other machines (seed ${calibrateSeed}), a look a day: the median is moved by ${shift} and the interval widened ${widen} times in ln(hours + 1).
- **Metrics on those machines**: Brier score of "fails within 7 days" ${brier}. On seeds not used here: \`npm run bench:simrul\`.
- **Limits**: ${lives.length} lives of ${new Set(lives.map(({ fault }) => fault)).size} fault modes of a simulator. Only used with ${modelId}; a machine whose course is like none of them gets the trend of its health. A real
  machine breaks when it breaks: learn from its own failures.

| said | came | looks |
| ---: | ---: | ----: |
${reliability.map(({ said, came, count }) => `| ${said.toFixed(2)} | ${came.toFixed(2)} | ${count} |`).join('\n')}
`;
}
