/**
 * Neural, WebGPU: an executor that keeps a whole network on the graphics device: weights, activations, gradient and moments never
 * leave it; a training step is one command buffer of a few dozen dispatches. In: flat rows. Out: flat rows, losses.
 * Reads are the only waits: outputs, losses, and whatever the caller asks to have back.
 */
import { MillwrightError } from '../../contracts/error';
import type { NetworkStream } from '../engine';
import type { AdamSetting, Chunk, ChunkPlace, Executor, LossName, Moments } from '../executor';
import { rowSizes } from '../fit-data';
import type { NetworkPlan } from '../network-spec';
import { contextOf, type GpuContext, type Recording } from './device';
import { mostUnits, traitsOf, type DeviceTraits } from './scan-shape';
import { packPlan, type PackedPlan } from './packing';
import { adam, adamParams, sumGroups, sumSquares } from './pointwise';
import { writeProgram, type Program } from './gpu-program';

/** Whether `GpuExecutor` runs a network; others go layer by layer. */
export function supportsGpu(plan: NetworkPlan): boolean {
	const last = plan.layers.at(-1)?.spec.kind;
	if (last !== 'lstm' && last !== 'dense') return false;
	return plan.layers.every(({ spec }) => {
		if (spec.kind === 'dense' || spec.kind === 'repeat-vector') return true;
		if (spec.kind === 'dropout') return spec.rate === 0;
		if (spec.kind !== 'lstm' && spec.kind !== 'gru') return false;
		return spec.units <= mostUnits && !spec.dropout && !spec.recurrentDropout;
	});
}

/** Whether a network has layers that run neither here nor on tensors of this backend. */
export function lacksGpuKernels(plan: NetworkPlan): boolean {
	return plan.layers.some(({ spec }) => (spec.kind === 'gru' || spec.kind === 'lstm') && spec.units > mostUnits);
}

interface Recorded {
	readonly recording: Recording;
	readonly scores: Program['scores'];
}

/** Recordings kept: sizes vary little within a job. */
const mostRecordings = 24;
const trainingBuffers = /^(gradient|first|second|partial|squares|repeated|dy|c)\d*/;

export class GpuExecutor implements Executor {
	readonly #context: GpuContext;
	readonly #packed: PackedPlan;
	readonly #traits: DeviceTraits;
	readonly #buffers = new Map<string, { buffer: GPUBuffer; floats: number }>();
	readonly #recordings = new Map<string, Recorded>();
	/** Commands that have not been handed over yet. */
	#commands: GPUCommandEncoder | undefined;
	#gathering = false;
	#training = false;
	#adam: { withNorm: Recording; alone: Recording } | undefined;
	/** Dispatches encoded so far: what the benchmark counts. */
	dispatches = 0;

	/** `check` throws when the executor may no longer be used. */
	constructor(
		device: GPUDevice,
		readonly plan: NetworkPlan,
		private readonly check: () => void = () => {},
		traits: DeviceTraits = traitsOf(device)
	) {
		if (!supportsGpu(plan))
			throw new MillwrightError('unsupported', 'This network has layers that the WebGPU network does not run.', {
				layers: plan.layers.map(({ name }) => name)
			});
		this.#context = contextOf(device);
		this.#packed = packPlan(plan);
		this.#traits = traits;
		const { count, transposedCount, copies } = this.#packed;
		this.#room('weights', count * 4);
		this.#room('transposed', transposedCount * 4);
		this.#context.write(this.#room('places', count), copies);
	}

	setWeights(flat: Float32Array): void {
		const { copies, transposedCount, count } = this.#packed;
		const packed = this.#pack(flat);
		const transposed = new Float32Array(transposedCount * 4);
		for (let k = 0; k < count; k++) {
			const copy = copies[k]! & 0x7fffffff;
			if (copy) transposed.set(packed.subarray(k * 4, k * 4 + 4), (copy - 1) * 4);
		}
		this.#flush();
		this.#context.write(this.#room('weights', 0), packed);
		this.#context.write(this.#room('transposed', 0), transposed);
	}

	async readWeights(): Promise<Float32Array> {
		return (await this.#readPacked('weights'))[0]!;
	}

	async score(inputs: Float32Array, rows: number, steps: number): Promise<Float32Array> {
		this.check();
		const { target } = rowSizes(this.plan, steps);
		const { recording, scores } = this.#recorded(`score ${rows} ${steps}`, () =>
			writeProgram({ ...this.#base(), rows, steps })
		);
		this.#load('input', inputs);
		this.#encode(recording);
		return (await this.#read([{ buffer: scores!, floats: rows * target }]))[0]!;
	}

	async evaluate(chunk: Chunk, loss: LossName): Promise<number> {
		this.check();
		const { rows, steps } = chunk;
		const lossScale = 1 / rowSizes(this.plan, steps).target;
		const { recording } = this.#recorded(`evaluate ${rows} ${steps} ${loss}`, () =>
			writeProgram({ ...this.#base(), rows, steps, loss: { name: loss, first: sumGroups, lossScale } })
		);
		this.#loadChunk(chunk);
		this.#encoder().clearBuffer(this.#room('losses', 0), sumGroups * 4, sumGroups * 4);
		this.#encode(recording);
		const [losses] = await this.#read([{ buffer: this.#room('losses', 0), floats: 2 * sumGroups }]);
		return losses!.subarray(sumGroups).reduce((sum, value) => sum + value, 0);
	}

	startTraining(moments?: Moments): void {
		this.endTraining();
		const { count } = this.#packed;
		const [first, second] = [this.#room('first', count * 4), this.#room('second', count * 4)];
		if (moments) {
			this.#context.write(first, this.#pack(moments.m));
			this.#context.write(second, this.#pack(moments.v));
		}
		this.#training = true;
	}

	accumulate(chunk: Chunk, place: ChunkPlace): void {
		this.check();
		const { rows, steps } = chunk;
		const lossScale = 1 / rowSizes(this.plan, steps).target;
		const addsUp = this.#gathering;
		const key = `train ${rows} ${steps} ${place.loss} ${place.batchRows} ${addsUp}`;
		const { recording } = this.#recorded(key, () =>
			writeProgram({
				...this.#base(),
				rows,
				steps,
				loss: { name: place.loss, first: 0, lossScale, gradientScale: lossScale / place.batchRows, addsUp }
			})
		);
		this.#loadChunk(chunk);
		this.#encode(recording);
		this.#gathering = true;
	}

	async takeLoss(): Promise<number> {
		const losses = this.#room('losses', 2 * sumGroups);
		const reading = this.#read([{ buffer: losses, floats: sumGroups }]);
		this.#encoder().clearBuffer(losses, 0, sumGroups * 4);
		return (await reading)[0]!.reduce((sum, value) => sum + value, 0);
	}

	async readGradient(): Promise<Float32Array> {
		if (!this.#gathering) return new Float32Array(this.plan.weightCount);
		return (await this.#readPacked('gradient'))[0]!;
	}

	takeGradient(): Promise<Float32Array> {
		return this.readGradient();
	}

	setGradient(flat: Float32Array): void {
		this.#flush();
		this.#context.write(this.#room('gradient', this.#packed.count * 4), this.#pack(flat));
		this.#gathering = true;
	}

	step(setting: AdamSetting): void {
		if (!this.#training || !this.#gathering)
			throw new MillwrightError('internal', 'An optimiser step needs a gradient.');
		this.#adam ??= this.#recordAdam();
		const recording = setting.clipNorm > 0 ? this.#adam.withNorm : this.#adam.alone;
		recording.setParams(recording.count - 1, adamParams(this.#packed.count, setting));
		this.#encode(recording);
		this.#flush();
		this.#gathering = false;
	}

	async readMoments(): Promise<Moments> {
		if (!this.#training) throw new MillwrightError('internal', 'Moments exist only while training.');
		const [m, v] = await this.#readPacked('first', 'second');
		return { m: m!, v: v! };
	}

	endTraining(): void {
		this.#flush();
		this.#forget(/^train/);
		this.#adam?.withNorm.destroy();
		this.#adam?.alone.destroy();
		this.#adam = undefined;
		for (const [name, { buffer }] of this.#buffers)
			if (trainingBuffers.test(name)) {
				buffer.destroy();
				this.#buffers.delete(name);
			}
		const losses = this.#buffers.get('losses')?.buffer;
		if (losses) this.#encoder().clearBuffer(losses);
		this.#flush();
		this.#training = false;
		this.#gathering = false;
	}

	openStream(): NetworkStream {
		throw new MillwrightError(
			'unsupported',
			'A graphics device cannot answer at once, as a stream must: use wasm or cpu.'
		);
	}

	dispose(): void {
		this.endTraining();
		this.#forget(/./);
		for (const { buffer } of this.#buffers.values()) buffer.destroy();
		this.#buffers.clear();
	}

	#base() {
		const { plan } = this;
		return {
			plan,
			packed: this.#packed,
			traits: this.#traits,
			room: (name: string, floats: number) => this.#room(name, floats)
		};
	}

	#recordAdam(): { withNorm: Recording; alone: Recording } {
		const { count } = this.#packed;
		const room = (name: string) => this.#room(name, count * 4);
		const params = Object.fromEntries(Object.keys(adam.fields).map((name) => [name, 0]));
		const squares = this.#room('squares', sumGroups);
		const step = {
			shader: adam,
			params,
			buffers: {
				weights: room('weights'),
				gradient: room('gradient'),
				first: room('first'),
				second: room('second'),
				squares,
				places: this.#room('places', 0),
				transposed: this.#room('transposed', 0)
			},
			groups: [Math.ceil(count / 256)] as const
		};
		const norm = {
			shader: sumSquares,
			params: { count },
			buffers: { gradient: room('gradient'), squares },
			groups: [sumGroups] as const
		};
		return { withNorm: this.#context.record([norm, step]), alone: this.#context.record([step]) };
	}

	#recorded(key: string, write: () => Program): Recorded {
		let recorded = this.#recordings.get(key);
		if (recorded) return recorded;
		if (this.#recordings.size >= mostRecordings) this.#forget(/./);
		const { dispatches, scores } = write();
		recorded = { recording: this.#context.record(dispatches), scores };
		this.#recordings.set(key, recorded);
		return recorded;
	}

	#forget(keys: RegExp): void {
		this.#flush();
		for (const [key, { recording }] of this.#recordings)
			if (keys.test(key)) {
				recording.destroy();
				this.#recordings.delete(key);
			}
	}

	/** The buffer of that name with room for so many floats. One that grows loses what it held: only workspace grows. */
	#room(name: string, floats: number): GPUBuffer {
		const known = this.#buffers.get(name);
		if (known && known.floats >= floats) return known.buffer;
		if (known) {
			this.#forget(/./);
			known.buffer.destroy();
		}
		const buffer = this.#context.buffer(floats);
		this.#buffers.set(name, { buffer, floats });
		return buffer;
	}

	#pack(flat: Float32Array): Float32Array {
		const { places, count } = this.#packed;
		const packed = new Float32Array(count * 4);
		for (let k = 0; k < places.length; k++) packed[places[k]!] = flat[k]!;
		return packed;
	}

	async #readPacked(...names: string[]): Promise<Float32Array[]> {
		const { places, count } = this.#packed;
		const parts = await this.#read(names.map((name) => ({ buffer: this.#room(name, count * 4), floats: count * 4 })));
		return parts.map((packed) => {
			const flat = new Float32Array(places.length);
			for (let k = 0; k < flat.length; k++) flat[k] = packed[places[k]!]!;
			return flat;
		});
	}

	#loadChunk({ inputs, targets }: Chunk): void {
		this.#load('input', inputs);
		this.#load('target', targets);
	}

	/** Rows to the device. What has been encoded still needs what was there, so it goes first. */
	#load(name: string, values: Float32Array): void {
		this.#flush();
		this.#context.write(this.#room(name, values.length), values);
	}

	#encoder(): GPUCommandEncoder {
		return (this.#commands ??= this.#context.device.createCommandEncoder());
	}

	#encode(recording: Recording): void {
		recording.encode(this.#encoder());
		this.dispatches += recording.count;
	}

	#flush(): void {
		if (this.#commands) this.#context.device.queue.submit([this.#commands.finish()]);
		this.#commands = undefined;
	}

	#read(parts: { buffer: GPUBuffer; floats: number }[]): Promise<Float32Array[]> {
		const commands = this.#encoder();
		this.#commands = undefined;
		return this.#context.read(parts, commands);
	}
}
