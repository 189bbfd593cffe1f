/** Order of test files when several run at a time: what takes longest begins first, so that nothing long is left for the end. */
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of end-to-end tests by how long they take, longest first; files not named come after these, as Vitest sorts them. */
const longest = [
	'benchmarks.test.ts',
	'chaos-soak.test.ts',
	'onboarding.test.ts',
	'accessibility.test.ts',
	'update.test.ts'
];

export class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const rank = ({ moduleId }: TestSpecification) => {
			const place = longest.indexOf(basename(moduleId));
			return place < 0 ? longest.length : place;
		};
		return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
	}
}
