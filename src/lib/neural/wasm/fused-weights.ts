/**
 * Neural: the weights of a fused network, with the gradients and moments of Adam that share their packed order. In: flat float32 in Keras
 * order, or gradients that the kernels gathered. Out: the same in Keras order, and copies in the orders that kernels read them in, made
 * anew only when weights have changed and a pass asks for them.
 */
import { splitWeights, type NetworkPlan } from '../network-spec';
import { writeDense, writeRecurrent } from './descriptors';
import type { FusedLayers } from './fused-layers';
import type { KernelMemory } from './memory';
import { packWeights, unpackWeights } from './panels';

export interface AdamRequest {
	/** 1 at the first step. */
	readonly step: number;
	readonly learningRate: number;
	readonly beta1?: number;
	readonly beta2?: number;
	readonly epsilon?: number;
	readonly weightDecay?: number;
	/** 0 or undefined: no clipping. */
	readonly clipNorm?: number;
}

export class FusedWeights {
	/** Packed, all layers in a row, as the weights are; 0 until something is trained. */
	#gradients = 0;
	#first = 0;
	#second = 0;
	#transposedStale = true;
	#rowWeightsStale = true;

	constructor(
		private readonly memory: KernelMemory,
		private readonly plan: NetworkPlan,
		private readonly layers: FusedLayers
	) {}

	/** All weights in Keras order, concatenated. */
	get(): Float32Array {
		return this.#unpack(this.layers.weights);
	}

	/** Throws `invalid-model` when the count does not fit or a weight is not finite. */
	set(weights: Float32Array): void {
		splitWeights(this.plan, weights);
		this.#pack(weights, this.layers.weights);
		this.#weightsChanged();
	}

	/** Gradients gathered since `clearGradients`, Keras order. */
	getGradients(): Float32Array {
		this.prepareTraining();
		return this.#unpack(this.#gradients);
	}

	/**
	 * Gradients as the kernels hold them, for exchange between equal networks: add another's to these, element by element.
	 * A view: valid until the next call of anything else.
	 */
	packedGradients(): Float32Array {
		this.prepareTraining();
		return this.memory.view(this.#gradients, this.layers.packedCount);
	}

	/** Moments of Adam in Keras order. */
	getMoments(): { m: Float32Array; v: Float32Array } {
		this.prepareTraining();
		return { m: this.#unpack(this.#first), v: this.#unpack(this.#second) };
	}

	/** Undefined starts afresh. */
	setMoments(moments: { m: Float32Array; v: Float32Array } | undefined): void {
		this.prepareTraining();
		const zeros = moments ? undefined : new Float32Array(this.plan.weightCount);
		this.#pack(moments?.m ?? zeros!, this.#first);
		this.#pack(moments?.v ?? zeros!, this.#second);
	}

	#pack(weights: Float32Array, to: number): void {
		let from = 0;
		for (const { panels, at } of this.layers.stages) {
			const count = panels.places.length;
			packWeights(panels, weights.subarray(from, from + count), this.memory.view(to + at * 4, panels.size));
			from += count;
		}
	}

	#unpack(packed: number): Float32Array {
		const weights = new Float32Array(this.plan.weightCount);
		let from = 0;
		for (const { panels, at } of this.layers.stages) {
			const count = panels.places.length;
			unpackWeights(panels, this.memory.view(packed + at * 4, panels.size), weights.subarray(from, from + count));
			from += count;
		}
		return weights;
	}

	#weightsChanged(): void {
		for (const { kind, panels, at, bias } of this.layers.stages)
			if (kind !== 'dense')
				this.memory.kernels.foldBias(
					this.layers.weights + at * 4,
					panels.panels,
					panels.panelRows,
					panels.biasRows,
					bias
				);
		this.#transposedStale = true;
		this.#rowWeightsStale = true;
	}

	/** Brings the transposed weights, which gradients are carried back by, up to date. */
	packTransposed(): void {
		if (!this.#transposedStale) return;
		const { kernels } = this.memory;
		this.layers.stages.forEach(({ panels, at, inputTransposed, stateTransposed, kind }, index) => {
			const weights = this.layers.weights + at * 4;
			const { panels: count, panelRows, biasRows, inputs, units } = panels;
			if (index > 0) kernels.packTransposed(weights, count, panelRows, biasRows, inputs, inputTransposed);
			if (kind !== 'dense')
				kernels.packTransposed(weights, count, panelRows, biasRows + inputs, units, stateTransposed);
		});
		this.#transposedStale = false;
	}

	/** Single rows want the recurrent weights in an order of their own. */
	packRows(): void {
		if (!this.#rowWeightsStale) return;
		for (const stage of this.layers.stages) {
			if (stage.kind !== 'lstm') continue;
			const { panels, panelRows, biasRows, inputs, units } = stage.panels;
			if (!stage.rowWeights) {
				stage.rowWeights = this.memory.keep(panels * units * 32);
				writeRecurrent(this.memory, stage.descriptor, { rowWeights: stage.rowWeights });
			}
			const weights = this.layers.weights + stage.at * 4;
			this.memory.kernels.packRow(weights, panels, panelRows, biasRows + inputs, units, stage.rowWeights);
		}
		this.#rowWeightsStale = false;
	}

	/** Makes room for gradients and moments, once. */
	prepareTraining(): void {
		if (this.#gradients) return;
		const bytes = this.layers.packedCount * 4;
		this.#gradients = this.memory.keep(bytes);
		this.#first = this.memory.keep(bytes);
		this.#second = this.memory.keep(bytes);
		for (const { kind, descriptor, at } of this.layers.stages) {
			const gradients = this.#gradients + at * 4;
			if (kind === 'dense') writeDense(this.memory, descriptor, { gradients });
			else writeRecurrent(this.memory, descriptor, { gradients });
		}
	}

	/** Sets the gathered gradients to zero. */
	clearGradients(): void {
		this.prepareTraining();
		this.memory.zero(this.#gradients, this.layers.packedCount * 4);
	}

	/** One step of Adam or AdamW with the gathered gradients; returns their norm before clipping. */
	applyAdam(request: AdamRequest): number {
		this.prepareTraining();
		const { step, learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0, clipNorm = 0 } = request;
		const norm = Math.sqrt(this.memory.kernels.sumSquares(this.#gradients, this.layers.packedCount));
		const scale = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
		const root = Math.sqrt(1 - beta2 ** step);
		for (const { panels, at } of this.layers.stages) {
			const offset = at * 4;
			this.memory.kernels.adam(
				this.layers.weights + offset,
				this.#gradients + offset,
				this.#first + offset,
				this.#second + offset,
				panels.panels,
				panels.panelRows,
				panels.biasRows,
				(learningRate * root) / (1 - beta1 ** step),
				1 - learningRate * weightDecay,
				beta1,
				beta2,
				1 - beta1,
				1 - beta2,
				epsilon * root,
				scale
			);
		}
		this.#weightsChanged();
		return norm;
	}
}
