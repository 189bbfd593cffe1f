/**
 * Training: windows with invented sensor faults as inputs and the truth as target.
 *
 * A plain next-row predictor follows a slow drift as if it were normal, because the last row is its best guess. Shown windows
 * in which some sensors are off by an offset, a drift or a frozen value, while the target stays true, it learns to judge each
 * sensor by the others (denoising, after Vincent et al., ICML 2008) - from normal data alone.
 */
import type { WindowSet } from '../manipulation';
import { randomFrom } from '../neural/random';

/** Share of windows that are altered, and the share of sensors altered in them. */
const alteredWindows = 0.6;
const alteredSensors = 0.3;
/** Offsets in scaled units, drawn log-uniformly. */
const smallestOffset = 0.1;
const largestOffset = 3;

/** `copies` of the windows, each with its own faults; targets unchanged. */
export function corruptWindows(windows: WindowSet, copies: number, seed: number): WindowSet {
	const { count, steps, features } = windows;
	const size = windows.inputs.length;
	const inputs = new Float32Array(size * copies);
	const targets = new Float32Array(size * copies);
	const random = randomFrom(seed);
	for (let copy = 0; copy < copies; copy++) {
		inputs.set(windows.inputs, copy * size);
		targets.set(windows.targets, copy * size);
		for (let w = 0; w < count; w++) {
			if (random() > alteredWindows) continue;
			const start = copy * size + w * steps * features;
			const certain = Math.floor(random() * features);
			for (let f = 0; f < features; f++) {
				if (f !== certain && random() > alteredSensors) continue;
				const offset = smallestOffset * (largestOffset / smallestOffset) ** random() * (random() < 0.5 ? -1 : 1);
				const onset = random() < 0.5 ? 0 : Math.floor(random() * steps * 0.7);
				const kind = random();
				const frozen = inputs[start + onset * features + f]!;
				for (let s = onset; s < steps; s++) {
					const at = start + s * features + f;
					if (kind < 0.55) inputs[at]! += offset;
					else if (kind < 0.9) inputs[at]! += (offset * (s - onset + 1)) / (steps - onset);
					else inputs[at] = frozen;
				}
			}
		}
	}
	return { inputs, targets, count: count * copies, steps, features };
}
