/**
 * Neural: `FusedGRU`, Keras' GRU with `reset_after` (its default) for TensorFlow.js models, which have none of their own.
 * In: [batch, steps, features]. Out: [batch, units], or [batch, steps, units] with returnSequences; states on request.
 * Weights as Keras: kernel [F,3U], recurrent_kernel [U,3U], bias [2,3U], gates z, r, h.
 */
import {
	cast,
	dropout,
	ones,
	reshape,
	serialization,
	slice,
	tidy,
	zeros,
	type Tensor,
	type Tensor3D
} from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { MillwrightError } from '../../contracts/error';
import { givenMasks, isTaping } from '../kernels/gradients';
import { runFusedGru, type FusedGruInputs } from '../kernels/gru-kernel';
import { dropInputs, requireActivation } from './fused-lstm';

export interface FusedGruArgs {
	name?: string;
	units: number;
	activation?: string;
	recurrentActivation?: string;
	useBias?: boolean;
	resetAfter?: boolean;
	returnSequences?: boolean;
	returnState?: boolean;
	goBackwards?: boolean;
	dropout?: number;
	recurrentDropout?: number;
	inputShape?: (number | null)[];
	batchInputShape?: (number | null)[];
	trainable?: boolean;
}

type LayerVariable = ReturnType<layers.Layer['addWeight']>;
type Shape = (number | null)[];

export class FusedGru extends layers.Layer {
	static readonly className = 'FusedGRU';
	readonly units: number;
	readonly returnSequences: boolean;
	readonly returnState: boolean;
	readonly goBackwards: boolean;
	private readonly useBias: boolean;
	private readonly dropoutRate: number;
	private readonly recurrentDropoutRate: number;
	private kernel!: LayerVariable;
	private recurrentKernel!: LayerVariable;
	private bias: LayerVariable | undefined;

	constructor(args: FusedGruArgs) {
		super(args as never);
		requireActivation(args.name, 'activation', args.activation, 'tanh');
		requireActivation(args.name, 'recurrentActivation', args.recurrentActivation, 'sigmoid');
		if (args.resetAfter === false)
			throw new MillwrightError(
				'unsupported',
				`Layer ${args.name ?? 'FusedGRU'}: expected reset_after true, found false.`,
				{
					layer: args.name
				}
			);
		if (!Number.isInteger(args.units) || args.units < 1)
			throw new MillwrightError(
				'invalid-model',
				`Layer ${args.name ?? 'FusedGRU'}: expected units of 1 or more, found ${args.units}.`
			);
		this.units = args.units;
		this.returnSequences = args.returnSequences ?? false;
		this.returnState = args.returnState ?? false;
		this.goBackwards = args.goBackwards ?? false;
		this.useBias = args.useBias ?? true;
		this.dropoutRate = args.dropout ?? 0;
		this.recurrentDropoutRate = args.recurrentDropout ?? 0;
		this.supportsMasking = true;
	}

	override build(inputShape: Shape | Shape[]): void {
		const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
		const features = shape[shape.length - 1]!;
		const glorot = () => initializers.glorotUniform({});
		this.kernel = this.addWeight('kernel', [features, 3 * this.units], 'float32', glorot());
		this.recurrentKernel = this.addWeight('recurrent_kernel', [this.units, 3 * this.units], 'float32', glorot());
		if (this.useBias) this.bias = this.addWeight('bias', [2, 3 * this.units], 'float32', initializers.zeros());
		this.built = true;
	}

	override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
		const [rows, steps] = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
		const output: Shape = this.returnSequences ? [rows!, steps!, this.units] : [rows!, this.units];
		return this.returnState ? [output, [rows!, this.units]] : output;
	}

	override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
		return (this.returnSequences ? (Array.isArray(mask) ? mask[0] : mask) : null) as Tensor;
	}

	override call(
		inputs: Tensor | Tensor[],
		kwargs: { mask?: Tensor | Tensor[]; training?: boolean; initialState?: Tensor[] }
	): Tensor | Tensor[] {
		return tidy(() => {
			const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as Tensor3D;
			const [rows, steps, features] = x.shape;
			const [h0] = kwargs?.initialState ?? (Array.isArray(inputs) ? inputs.slice(1) : []);
			const mask = Array.isArray(kwargs?.mask) ? kwargs.mask[0] : kwargs?.mask;
			const training = kwargs?.training ?? false;
			const given: FusedGruInputs = {
				x: dropInputs(x, this.dropoutRate, training, [rows, 1, features]),
				kernel: this.kernel.read(),
				recurrentKernel: this.recurrentKernel.read(),
				bias: this.bias?.read() ?? zeros([2, 3 * this.units]),
				h0: h0 ?? zeros([rows, this.units])
			};
			if (mask) given.mask = cast(reshape(mask, [rows, steps]), 'float32');
			if (training && this.recurrentDropoutRate > 0)
				given.recurrentMask = dropout(ones([rows, this.units]), this.recurrentDropoutRate);
			const attrs = { saveForGradient: isTaping(), goBackwards: this.goBackwards, given: givenMasks(given) };
			const { hSeq } = runFusedGru(given, attrs);
			const hLast = reshape(slice(hSeq, [0, steps - 1, 0], [rows, 1, this.units]), [rows, this.units]);
			const output = this.returnSequences ? hSeq : hLast;
			return this.returnState ? [output, hLast] : output;
		});
	}

	override getConfig(): serialization.ConfigDict {
		return {
			...super.getConfig(),
			units: this.units,
			activation: 'tanh',
			recurrentActivation: 'sigmoid',
			useBias: this.useBias,
			resetAfter: true,
			returnSequences: this.returnSequences,
			returnState: this.returnState,
			goBackwards: this.goBackwards,
			dropout: this.dropoutRate,
			recurrentDropout: this.recurrentDropoutRate
		};
	}
}

serialization.registerClass(FusedGru as never);

export const fusedGru = (args: FusedGruArgs): FusedGru => new FusedGru(args);
