/**
 * Benchmark: how fast the simulated plant steps, with and without messages, in Node.
 *
 * Rows: machine-steps per second. Floor of `fast_forward_per_s`: 200,000, so that the demo continues at once after a reload.
 */
import { createPlant } from '../../simulator';
import { parseBenchArguments, progress, report } from './harness';

const options = parseBenchArguments();
const machines = options.number('machines', 12);
const steps = options.number('steps', options.quick ? 20_000 : 200_000);
const rounds = options.number('rounds', 3);

const plant = createPlant({ machines, seed: 1, scenario: 'mixed', startTime: Date.UTC(2026, 0, 5), stepMs: 1000 });

/** Best of the rounds: other programs on the machine only ever make it slower. */
function best(what: string, run: () => void): number {
	let rate = 0;
	for (let round = 0; round < rounds; round++) {
		const start = performance.now();
		run();
		rate = Math.max(rate, (machines * steps * 1000) / (performance.now() - start));
	}
	progress(`${what}: ${Math.round(rate)} machine-steps/s`);
	return rate;
}

const fastForward = best('fast forward', () => plant.fastForward(steps));
const stepping = best('with messages', () => {
	for (let i = 0; i < steps; i++) plant.step();
});
report(
	'simulator',
	{ fast_forward_per_s: fastForward, step_per_s: stepping },
	{ fast_forward_per_s: 200_000 },
	{ machines, steps, rounds }
);
