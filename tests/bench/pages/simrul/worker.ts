/**
 * Worker of `npm run bench:simrul`: simulated lives through the product's predictor and pipeline, in Chromium on the engine that scores there.
 * In: a class with its model and what is known of its failures, a seed. Out: the lives as they were planned, and a look a day at each.
 */
import type { FailureLibrary, MachineClassId, ModelVersion } from '$lib/contracts';
import { startEngine } from '$lib/neural';
import { seedOf } from '$lib/neural/random';
import { machineClasses } from '../../../../simulator';
import { planLives, type PlannedLife } from '../../../../models/simulated-lives';
import { watchLives, type DailyLook } from '../../../../models/watch-lives';
import { answerCalls } from '../answer-calls';

export interface WatchedClass {
	readonly lives: readonly PlannedLife[];
	readonly looks: readonly DailyLook[];
	readonly backend: string;
}

const engine = startEngine({ backends: ['wasm', 'cpu'], purpose: 'scoring' });

const tasks = {
	/** `weights`: base64. `most`: only so many lives. */
	async watch(
		machineClass: MachineClassId,
		version: ModelVersion,
		weights: string,
		library: FailureLibrary,
		seed: number,
		perFault: number,
		most: number
	): Promise<WatchedClass> {
		const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
		// Lengths are drawn for each class by itself: the same ones in all classes would make a seed a matter of a dozen draws.
		const own = seedOf(
			seed,
			machineClasses.findIndex(({ id }) => id === machineClass)
		);
		const lives = planLives(machineClass, own, perFault, perFault).slice(0, most);
		const loaded = await engine;
		return {
			lives,
			looks: watchLives(loaded, machineClass, { version, weights: bytes.buffer }, lives, library),
			backend: loaded.report.backend
		};
	}
};

answerCalls(tasks);
