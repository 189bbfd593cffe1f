/** Neural: one Adam/AdamW step with clipping by global norm, in plain loops. Formulae and shapes as in adam-kernel.ts. */
import type { FusedAdamAttrs } from './adam-kernel';

export interface AdamStepResult {
	weights: Float32Array[];
	m: Float32Array[];
	v: Float32Array[];
	/** Global norm of the gradient before clipping. */
	norm: number;
}

export function adamStep(
	weights: readonly Float32Array[],
	gradients: readonly Float32Array[],
	m: readonly Float32Array[],
	v: readonly Float32Array[],
	attrs: FusedAdamAttrs
): AdamStepResult {
	let squares = 0;
	for (const gradient of gradients) for (const g of gradient) squares += g * g;
	const norm = Math.sqrt(squares);
	const scale = attrs.clipNorm > 0 && norm > attrs.clipNorm ? attrs.clipNorm / norm : 1;
	const { beta1, beta2, learningRate, epsilon } = attrs;
	const correct1 = 1 - beta1 ** attrs.step;
	const correct2 = 1 - beta2 ** attrs.step;
	const result: AdamStepResult = { weights: [], m: [], v: [], norm };
	for (let k = 0; k < attrs.count; k++) {
		const from = weights[k]!;
		const w = new Float32Array(from.length);
		const mNew = new Float32Array(from.length);
		const vNew = new Float32Array(from.length);
		const decay = attrs.decays[k] ? learningRate * attrs.weightDecay : 0;
		for (let j = 0; j < from.length; j++) {
			const g = gradients[k]![j]! * scale;
			const mj = beta1 * m[k]![j]! + (1 - beta1) * g;
			const vj = beta2 * v[k]![j]! + (1 - beta2) * g * g;
			mNew[j] = mj;
			vNew[j] = vj;
			w[j] = from[j]! - (learningRate * (mj / correct1)) / (Math.sqrt(vj / correct2) + epsilon) - decay * from[j]!;
		}
		result.weights.push(w);
		result.m.push(mNew);
		result.v.push(vNew);
	}
	return result;
}
