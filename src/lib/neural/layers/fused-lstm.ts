/**
 * Neural: `FusedLSTM`, a layer for TensorFlow.js models that takes the place of Keras' and TensorFlow.js' LSTM: the same
 * configuration, weights (kernel, recurrent kernel, bias; gates i, f, c, o), masks, states and wrappers, but the whole sequence
 * in one kernel. In: [batch, steps, features]. Out: as `tf.layers.lstm` gives. Only the activations that the kernel has
 * (tanh, sigmoid) are taken: anything else is refused at construction.
 */
import {
	cast,
	dropout,
	mul,
	ones,
	reshape,
	serialization,
	slice,
	tidy,
	zeros,
	type Tensor,
	type Tensor3D
} from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { MillwrightError } from '../../contracts/error';
import { givenMasks, isTaping } from '../kernels/gradients';
import { runFusedLstm, type FusedLstmInputs } from '../kernels/lstm-kernel';

export type FusedLstmArgs = Parameters<typeof layers.lstm>[0];

interface CallArgs {
	mask?: Tensor | Tensor[] | null;
	training?: boolean;
	initialState?: Tensor[];
}

interface Variable {
	read(): Tensor;
}

/** What the stock layer holds that its declarations leave out. */
export interface StockRecurrent {
	readonly cell: {
		readonly units: number;
		readonly kernel: Variable;
		readonly recurrentKernel: Variable;
		readonly bias: Variable | null;
		readonly dropout: number;
		readonly recurrentDropout: number;
	};
	readonly name: string;
	readonly returnSequences: boolean;
	readonly returnState: boolean;
	readonly goBackwards: boolean;
	readonly stateful: boolean;
	readonly states: Tensor[];
	resetStates(states: Tensor[], training?: boolean): void;
}

/** The class behind `tf.layers.lstm`: TensorFlow.js exports only its factory. */
const StockLstm = layers.lstm({ units: 1 }).constructor as unknown as new (
	args: FusedLstmArgs
) => layers.Layer & StockRecurrent;

export class FusedLstm extends StockLstm {
	static readonly className = 'FusedLSTM';

	constructor(args: FusedLstmArgs) {
		requireActivation(args.name, 'activation', args.activation, 'tanh');
		requireActivation(args.name, 'recurrentActivation', args.recurrentActivation, 'sigmoid');
		super({
			...args,
			activation: 'tanh',
			recurrentActivation: 'sigmoid',
			// Orthogonal, the stock default, takes 40 s for 128 units on a CPU.
			kernelInitializer: args.kernelInitializer ?? 'glorotUniform',
			recurrentInitializer: isOrthogonal(args.recurrentInitializer) ? 'glorotUniform' : args.recurrentInitializer,
			unitForgetBias: args.unitForgetBias ?? true
		});
	}

	override call(inputs: Tensor | Tensor[], kwargs: CallArgs): Tensor | Tensor[] {
		return tidy(() => {
			const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as Tensor3D;
			const [rows, steps, features] = x.shape;
			const { units } = this.cell;
			const state = kwargs?.initialState ?? (Array.isArray(inputs) && inputs.length > 1 ? inputs.slice(1) : undefined);
			const [h0, c0] = state ?? (this.stateful ? this.states : [zeros([rows, units]), zeros([rows, units])]);
			const mask = Array.isArray(kwargs?.mask) ? kwargs.mask[0] : kwargs?.mask;
			const training = kwargs?.training ?? false;
			const given: FusedLstmInputs = {
				x: dropInputs(x, this.cell.dropout, training, [rows, 1, features]),
				kernel: this.cell.kernel.read(),
				recurrentKernel: this.cell.recurrentKernel.read(),
				bias: this.cell.bias?.read() ?? zeros([4 * units]),
				h0: h0!,
				c0: c0!
			};
			if (mask) given.mask = cast(reshape(mask, [rows, steps]), 'float32');
			if (training && this.cell.recurrentDropout > 0)
				given.recurrentMask = dropout(ones([rows, units]), this.cell.recurrentDropout);
			const attrs = { saveForGradient: isTaping(), goBackwards: this.goBackwards, given: givenMasks(given) };
			const { hSeq, cLast } = runFusedLstm(given, attrs);
			const hLast = reshape(slice(hSeq, [0, steps - 1, 0], [rows, 1, units]), [rows, units]);
			if (this.stateful) this.resetStates([hLast, cLast], training);
			const output = this.returnSequences ? hSeq : hLast;
			return this.returnState ? [output, hLast, cLast] : output;
		});
	}
}

/** Multiplies by one mask for all steps, as Keras does. */
export function dropInputs(x: Tensor3D, rate: number, training: boolean, shape: [number, number, number]): Tensor {
	return training && rate > 0 ? mul(x, dropout(ones(shape), rate)) : x;
}

export function requireActivation(layer: string | undefined, what: string, found: unknown, expected: string): void {
	if (found !== undefined && found !== expected)
		throw new MillwrightError(
			'invalid-model',
			`Layer ${layer ?? 'FusedLSTM'}: expected ${what} ${expected}, found ${String(found)}.`,
			{
				layer,
				expected,
				found
			}
		);
}

export function isOrthogonal(initializer: unknown): boolean {
	const name = (initializer as { className?: string } | undefined)?.className ?? initializer;
	return name === undefined || name === null || String(name).toLowerCase() === 'orthogonal';
}

serialization.registerClass(FusedLstm as never);

/** The layer, as `tf.layers.lstm` makes the stock one. */
export const fusedLstm = (args: FusedLstmArgs): FusedLstm => new FusedLstm(args);
