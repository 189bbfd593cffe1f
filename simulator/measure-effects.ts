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

interface Moments {
	count: number;
	readonly sum: Float64Array;
	readonly squares: Float64Array;
}

/** So long that severity stands still while measuring. */
const STANDING_STILL_MINUTES = 1e8;
/** A mode seen for fewer samples than this says nothing of a mean. */
const ENOUGH_SAMPLES = 200;

/** Sums per mode over machines with the same seeds, so that healthy and faulty differ by the fault alone. */
function observe(machineClass: MachineClass, lines: readonly ScenarioFault[], options: EffectOptions) {
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
	const byMode = new Map<string, Moments>();
	for (let step = 0; step < hours * 3600; step++)
		for (const { payload } of plant.step()) {
			const mode = String(payload.mode);
			let moments = byMode.get(mode);
			if (!moments)
				byMode.set(
					mode,
					(moments = { count: 0, sum: new Float64Array(names.length), squares: new Float64Array(names.length) })
				);
			moments.count++;
			for (let i = 0; i < names.length; i++) {
				const value = payload[names[i]!] as number;
				moments.sum[i]! += value;
				moments.squares[i]! += value * value;
			}
		}
	return byMode;
}

const healthyRuns = new Map<string, Map<string, Moments>>();

/** The healthy run is the same for all faults of a class: made once. */
function observeHealthy(machineClass: MachineClass, options: EffectOptions): Map<string, Moments> {
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
 * Effect of `fault` at `severity` on every sensor: root of squared change of mean and of deviation within a mode, averaged
 * over modes by time, over the sensor's pooled healthy deviation within a mode. Noise of the estimate is about 0.05.
 */
export function measureEffects(
	machineClass: MachineClass,
	fault: Pick<FaultMode, 'id' | 'law'>,
	severity: number,
	options: EffectOptions = { machines: 6, hours: 3, seed: 11 }
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
			for (const [mode, h] of healthy) {
				const f = faulty.get(mode);
				if (!f || h.count < ENOUGH_SAMPLES || f.count < ENOUGH_SAMPLES) continue;
				const spread = (m: Moments) => Math.sqrt(Math.max(0, m.squares[i]! / m.count - (m.sum[i]! / m.count) ** 2));
				const shift = f.sum[i]! / f.count - h.sum[i]! / h.count;
				weight += h.count;
				changed += h.count * Math.hypot(shift, spread(f) - spread(h));
				pooled += h.count * spread(h) ** 2;
			}
			const normal = Math.max(Math.sqrt(pooled / weight), sensor.noise);
			return [sensor.name, changed / weight / normal];
		})
	);
}
