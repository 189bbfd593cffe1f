/**
 * `npm run train:models -- --failures`: learns from simulated lives of a class what its faults do to the sensors, calibrates by
 * cross-validation over lives, and writes `failures.json` and `FAILURES.md` beside the model.
 */
import { writeFileSync } from 'node:fs';
import type { FailureLibrary, MachineClassId, ModelPackage } from '../src/lib/contracts';
import type { Engine } from '../src/lib/neural';
import { FailureOutlooks, averagedRows } from '../src/lib/prognostics';
import { calibrateFailures, type JudgedLook } from './calibrate-failures';
import { learnCourses } from './learn-courses';
import { averagedLevels, recordLives, type RecordedLife } from './recorded-lives';
import { dayMs, planLives, rowMs } from './simulated-lives';

/** Not to be reported on: `npm run bench:simrul` takes any other seed. */
const seed = 11;
/** Many folds: what judges must know nearly as much as what is shipped, or it asks for wider intervals than that needs. */
const amounts = {
	whole: { livesPerFault: 20, healthyLives: 12, folds: 10 },
	quick: { livesPerFault: 2, healthyLives: 2, folds: 2 }
} as const;
const hourMs = 3_600_000;
/** Hours before a life's end at which it is looked at last, in turns: all of the last day is looked at. */
const lastLookHours = [3, 9, 15, 21];

/** `quick`: from a handful of lives, to see that it runs; not for shipping. */
export function learnFailures(
	engine: Engine,
	pkg: ModelPackage,
	machineClass: MachineClassId,
	folder: URL,
	quick: boolean
): void {
	const { version } = pkg;
	const { livesPerFault, healthyLives, folds } = amounts[quick ? 'quick' : 'whole'];
	const lives = recordLives(engine, machineClass, pkg, planLives(machineClass, seed, livesPerFault, healthyLives));
	const description = `${livesPerFault} simulated lives of each fault, run to failure in 8 to 32 days, and ${healthyLives} healthy machines (seed ${seed})`;
	const looks: JudgedLook[] = [];
	for (let fold = 0; fold < folds; fold++) {
		const known = learnCourses(
			lives.filter((_, i) => i % folds !== fold),
			version,
			description
		);
		lives.forEach((life, i) => {
			if (i % folds === fold) looks.push(...lookBack(life, known, lastLookHours[(i >> 2) % lastLookHours.length]!));
		});
	}
	const library: FailureLibrary = {
		...learnCourses(lives, version, description),
		calibration: calibrateFailures(looks, lives.length)
	};
	writeFileSync(new URL('failures.json', folder), JSON.stringify(library) + '\n');
	writeFileSync(new URL('FAILURES.md', folder), writeFailureCard(machineClass, library, folds));
	console.error(
		`${machineClass}: ${library.lives} lives, ${JSON.stringify({ ...library.calibration, reliability: undefined })}`
	);
}

/** What a library says of a life every day, from the third on, `lastHours` before its end last. */
function lookBack({ plan, ...life }: RecordedLife, library: FailureLibrary, lastHours: number): JudgedLook[] {
	const outlooks = new FailureOutlooks(library);
	const points = averagedLevels({ plan, ...life }, library.expectation, averagedRows * rowMs);
	const looks: JudgedLook[] = [];
	for (let time = plan.end - lastHours * hourMs; time > plan.start + 3 * dayMs; time -= dayMs)
		looks.push({
			trueHours: plan.failure === undefined ? Infinity : (plan.failure - time) / hourMs,
			begun: plan.onset !== undefined && time > plan.onset,
			said: outlooks.look(
				points.filter((point) => point.time < time - (averagedRows * rowMs) / 2),
				time
			)
		});
	return looks;
}

function writeFailureCard(
	machineClass: MachineClassId,
	{ modelId, lives, faults, description, calibration }: FailureLibrary,
	folds: number
): string {
	const { brier, lives: judged, interval, reliability } = calibration!;
	return `# Failures of ${machineClass}, as ${modelId} sees them

- **Data**: ${description}. Clock accelerated: a second of physics stands for a quarter of an hour.
- **Command**: \`npm run train:models -- --failures --class ${machineClass}\`
- **Calibrated** by ${folds}-fold cross-validation over these ${judged} machines, a look a day.
- **Metrics by cross-validation**: Brier score of "fails within 7 days" ${brier}. On seeds not used here: \`npm run bench:simrul\`.
- **Limits**: ${lives} lives of ${faults.length} fault modes of a simulator. Only used with ${modelId}; a machine whose course is like none of them gets the trend of its health. A real
  machine breaks when it breaks: learn from its own failures.

| fails within 7 days: said | came | looks |
| ------------------------: | ---: | ----: |
${reliability.map(({ said, came, count }) => `| ${said.toFixed(2)} | ${came.toFixed(2)} | ${count} |`).join('\n')}

| median said below, h | moved by, in ln(h + 12) | interval below, times | above, times |
| -------------------: | ----------------------: | --------------------: | -----------: |
${interval.map(({ below, shift, low, high }) => `| ${below < 1e6 ? below : 'any'} | ${shift} | ${low} | ${high} |`).join('\n')}
`;
}
