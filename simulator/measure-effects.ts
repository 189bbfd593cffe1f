/**
 * Simulator: how strongly each sensor shows a fault, measured on the simulation itself.
 *
 * In: a machine class, a fault, a severity. Out: change per sensor in units of its normal variation - what the classes
 * declare as `effects` and what tests hold them to. `npx tsx simulator/cli/print-effects.ts` prints the table.
 */
import { shareAtSeverity } from './growth';
import type { FaultMode, MachineClass } from './machine-class';
import { createPlant } from './plant';
import type { ScenarioFault } from './scenarios';

/** Values seen in one mode, per sensor, sorted. */
type Seen = readonly Float64Array[];

/** So long that severity stands still while measuring. */
const STANDING_STILL_MINUTES = 1e8;
/** A mode seen for fewer samples than this says nothing of a mean. */
const ENOUGH_SAMPLES = 200;

/** Values per steady mode and second of the stroke over machines with the same seeds, so that healthy and faulty differ by the fault alone. */
function observe(
	machineClass: MachineClass,
	lines: readonly ScenarioFault[],
	options: EffectOptions
): Map<string, Seen> {
	const { machines, hours, seed } = options;
	const plant = createPlant({
		machines,
		seed,
		scenario: lines,
		startTime: 1_767_225_600_000,
		stepMs: 1000,
		classes: [machineClass.id]
	});
	const names = machineClass.sensors.map((sensor) => sensor.name);
	const steady = machineClass.modes.filter((mode) => mode.running && mode.id !== 'start-up').map((mode) => mode.id);
	const byMode = new Map<string, number[][]>();
	for (let step = 0; step < hours * 3600; step++)
		for (const [machine, { payload }] of plant.step().entries()) {
			const mode = String(payload.mode);
			if (!steady.includes(mode)) continue;
			const key = `${mode} ${plant.machines[machine]!.stage}`;
			let seen = byMode.get(key);
			if (!seen) byMode.set(key, (seen = names.map(() => [])));
			for (let i = 0; i < names.length; i++) seen[i]!.push(payload[names[i]!] as number);
		}
	return new Map([...byMode].map(([mode, seen]) => [mode, seen.map((values) => Float64Array.from(values).sort())]));
}

const at = (sorted: Float64Array, share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
/** Half the span that holds the middle 68 %: the standard deviation of a bell curve, blind to transients. */
const spread = (sorted: Float64Array) => (at(sorted, 0.84) - at(sorted, 0.16)) / 2;

const healthyRuns = new Map<string, Map<string, Seen>>();

/** The healthy run is the same for all faults of a class: made once. */
function observeHealthy(machineClass: MachineClass, options: EffectOptions): Map<string, Seen> {
	const key = JSON.stringify([machineClass.id, options.machines, options.hours, options.seed]);
	let run = healthyRuns.get(key);
	if (!run) healthyRuns.set(key, (run = observe(machineClass, [], options)));
	return run;
}

export interface EffectOptions {
	readonly machines: number;
	readonly hours: number;
	readonly seed: number;
}

/**
 * Effect of `fault` at `severity` on every sensor: change of median and of spread within a mode (root of the sum of squares),
 * averaged over steady modes by time, over the sensor's healthy spread within a mode (pooled), which is never taken smaller
 * than the sensor's noise and resolution.
 */
export function measureEffects(
	machineClass: MachineClass,
	fault: Pick<FaultMode, 'id' | 'law'>,
	severity: number,
	options: EffectOptions = { machines: 8, hours: 4, seed: 11 }
): Record<string, number> {
	const growth = STANDING_STILL_MINUTES;
	const onset = -growth * shareAtSeverity(fault.law, severity);
	const lines = Array.from({ length: options.machines }, (_, machine) => ({ machine, fault: fault.id, onset, growth }));
	const healthy = observeHealthy(machineClass, options);
	const faulty = observe(machineClass, lines, options);
	return Object.fromEntries(
		machineClass.sensors.map((sensor, i) => {
			let weight = 0;
			let changed = 0;
			let pooled = 0;
			for (const [mode, seen] of healthy) {
				const [h, f] = [seen[i]!, faulty.get(mode)?.[i]];
				if (!f || h.length < ENOUGH_SAMPLES || f.length < ENOUGH_SAMPLES) continue;
				weight += h.length;
				changed += h.length * Math.hypot(at(f, 0.5) - at(h, 0.5), spread(f) - spread(h));
				pooled += h.length * spread(h) ** 2;
			}
			const normal = Math.max(Math.sqrt(pooled / weight), sensor.noise, sensor.resolution);
			return [sensor.name, changed / weight / normal];
		})
	);
}
