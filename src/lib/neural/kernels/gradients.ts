/**
 * Neural: tells TensorFlow.js' tape how to differentiate the fused kernels, for `tf.layers` and anyone who tapes.
 * In: the gradient of every output. Out: that of every input; masks have none. Importing this file registers them.
 */
import { engine, registerGradient, zerosLike, type Tensor } from '@tensorflow/tfjs-core';
import { fusedGruName, runFusedGruGrad } from './gru-kernel';
import { fusedLstmName, runFusedLstmGrad } from './lstm-kernel';

/** True while TensorFlow.js records: then a kernel must keep what its gradient needs. */
export function isTaping(): boolean {
	return (engine() as unknown as { isTapeOn(): boolean }).isTapeOn();
}

const optional = ['mask', 'recurrentMask'] as const;

/** Saved tensors by name. A tape saves absent inputs as nothing, so the masks are told apart by what the caller noted. */
function named(saved: Tensor[], inputs: readonly string[], outputs: readonly string[]): Record<string, Tensor> {
	return Object.fromEntries([...inputs, ...outputs].map((name, k) => [name, saved[k]!]));
}

/** What the attributes carry beside their own: which optional inputs there are, in order. */
export interface TapedAttrs {
	readonly given: readonly (typeof optional)[number][];
}

registerGradient({
	kernelName: fusedLstmName,
	saveAllInputs: true,
	outputsToSave: [true, false, true, true],
	gradFunc: (dy, saved, attrs) => {
		const { goBackwards, given } = attrs as unknown as { goBackwards: boolean } & TapedAttrs;
		const [dhSeq, dcLast] = dy as unknown as Tensor[];
		const names = ['x', 'kernel', 'recurrentKernel', 'bias', 'h0', 'c0', ...given];
		const all = named(saved, names, ['hSeq', 'gates', 'cSeq']);
		const grads = runFusedLstmGrad({ ...all, dhSeq: dhSeq!, dcLast: dcLast! } as never, {
			goBackwards,
			needInputGradient: true,
			lastOnly: false
		});
		return {
			x: () => grads.dx,
			kernel: () => grads.dKernel,
			recurrentKernel: () => grads.dRecurrentKernel,
			bias: () => grads.dBias,
			h0: () => grads.dh0,
			c0: () => grads.dc0,
			mask: () => zerosLike(all.mask!),
			recurrentMask: () => zerosLike(all.recurrentMask!)
		};
	}
});

registerGradient({
	kernelName: fusedGruName,
	saveAllInputs: true,
	outputsToSave: [true, true],
	gradFunc: (dy, saved, attrs) => {
		const { goBackwards, given } = attrs as unknown as { goBackwards: boolean } & TapedAttrs;
		const [dhSeq] = dy as unknown as Tensor[];
		const names = ['x', 'kernel', 'recurrentKernel', 'bias', 'h0', ...given];
		const all = named(saved, names, ['hSeq', 'gates']);
		const grads = runFusedGruGrad({ ...all, dhSeq: dhSeq! } as never, {
			goBackwards,
			needInputGradient: true,
			lastOnly: false
		});
		return {
			x: () => grads.dx,
			kernel: () => grads.dKernel,
			recurrentKernel: () => grads.dRecurrentKernel,
			bias: () => grads.dBias,
			h0: () => grads.dh0,
			mask: () => zerosLike(all.mask!),
			recurrentMask: () => zerosLike(all.recurrentMask!)
		};
	}
});

/** Names of the optional inputs that are there, in the order of `inputs`. */
export function givenMasks(inputs: { mask?: unknown; recurrentMask?: unknown }): TapedAttrs['given'] {
	return optional.filter((name) => inputs[name] !== undefined);
}
