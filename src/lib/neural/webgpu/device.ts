/**
 * Neural, WebGPU: one graphics device as the kernels use it: pipelines made once per shader, buffers, recordings of dispatches,
 * and reading back. In: a GPUDevice (TensorFlow.js' own, so that both share one queue). Out: `GpuContext`, one per device.
 */
import { MillwrightError } from '../../contracts/error';
import type { Shader } from './shader';

/** One uniform slot: the offset alignment that every adapter has. */
const slotBytes = 256;

export interface Dispatch {
	readonly shader: Shader;
	readonly params: Readonly<Record<string, number>>;
	readonly buffers: Readonly<Record<string, GPUBuffer>>;
	readonly groups: readonly [x: number, y?: number, z?: number];
}

/** Dispatches with their parameters on the device, to be run again and again. */
export interface Recording {
	readonly count: number;
	encode(encoder: GPUCommandEncoder): void;
	/** Puts other parameters in place of those of one dispatch. */
	setParams(index: number, params: Readonly<Record<string, number>>): void;
	destroy(): void;
}

const contexts = new WeakMap<GPUDevice, GpuContext>();

/** The context of a device: made once. */
export function contextOf(device: GPUDevice): GpuContext {
	let context = contexts.get(device);
	if (!context) contexts.set(device, (context = new GpuContext(device)));
	return context;
}

export class GpuContext {
	readonly #pipelines = new Map<string, GPUComputePipeline>();
	#lost: string | undefined;
	#fault: string | undefined;

	constructor(readonly device: GPUDevice) {
		void device.lost.then(({ message, reason }) => (this.#lost = message || reason || 'unknown reason'));
	}

	get isLost(): boolean {
		return this.#lost !== undefined;
	}

	/** A zeroed storage buffer. A device that cannot give it says so at the next read. */
	buffer(floats: number, usage = 0): GPUBuffer {
		const { device } = this;
		const size = Math.max(16, Math.ceil(floats / 4) * 16);
		const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
		if (size > limit)
			throw new MillwrightError(
				'unsupported',
				`This graphics adapter holds at most ${Math.floor(limit / 2 ** 20)} MiB in one buffer, ${Math.ceil(size / 2 ** 20)} MiB are needed.`,
				{ expected: limit, found: size }
			);
		device.pushErrorScope('out-of-memory');
		const made = device.createBuffer({
			size,
			usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST | usage
		});
		this.#watch(device.popErrorScope());
		return made;
	}

	write(buffer: GPUBuffer, values: Float32Array | Uint32Array, count = values.length): void {
		this.device.queue.writeBuffer(buffer, 0, values.buffer as ArrayBuffer, values.byteOffset, count * 4);
	}

	/** Makes pipelines, bind groups and parameters for a list of dispatches. */
	record(dispatches: readonly Dispatch[]): Recording {
		const { device } = this;
		device.pushErrorScope('validation');
		const uniform = device.createBuffer({
			size: Math.max(1, dispatches.length) * slotBytes,
			usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST
		});
		const bytes = new DataView(new ArrayBuffer(dispatches.length * slotBytes));
		const steps = dispatches.map(({ shader, params, buffers, groups }, index) => {
			putParams(bytes, index * slotBytes, shader, params);
			const pipeline = this.#pipeline(shader);
			const bindings = [
				{ binding: 0, resource: { buffer: uniform, offset: index * slotBytes, size: slotBytes } },
				...shader.buffers.map((name, k) => ({ binding: k + 1, resource: { buffer: buffers[name]! } }))
			];
			const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: bindings });
			return { pipeline, bindGroup, groups };
		});
		if (bytes.byteLength > 0) device.queue.writeBuffer(uniform, 0, bytes.buffer);
		this.#watch(device.popErrorScope());
		return {
			count: steps.length,
			encode: (encoder) => {
				const pass = encoder.beginComputePass();
				for (const { pipeline, bindGroup, groups } of steps) {
					pass.setPipeline(pipeline);
					pass.setBindGroup(0, bindGroup);
					pass.dispatchWorkgroups(groups[0], groups[1] ?? 1, groups[2] ?? 1);
				}
				pass.end();
			},
			setParams: (index, params) => {
				const slot = new DataView(new ArrayBuffer(slotBytes));
				putParams(slot, 0, dispatches[index]!.shader, params);
				device.queue.writeBuffer(uniform, index * slotBytes, slot.buffer);
			},
			destroy: () => uniform.destroy()
		};
	}

	/** Copies of the first `floats` numbers of each buffer. Rejects with `device-lost`, or `internal` for a fault of the device. */
	async read(
		parts: readonly { buffer: GPUBuffer; floats: number }[],
		encoder?: GPUCommandEncoder
	): Promise<Float32Array[]> {
		const { device } = this;
		const bytes = parts.map(({ floats }) => Math.ceil(floats / 4) * 16);
		const size = Math.max(
			16,
			bytes.reduce((sum, part) => sum + part, 0)
		);
		const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
		const commands = encoder ?? device.createCommandEncoder();
		let at = 0;
		parts.forEach(({ buffer }, k) => {
			if (bytes[k]) commands.copyBufferToBuffer(buffer, 0, staging, at, bytes[k]);
			at += bytes[k]!;
		});
		device.queue.submit([commands.finish()]);
		try {
			await staging.mapAsync(GPUMapMode.READ);
			this.throwFault();
			const all = new Float32Array(staging.getMappedRange());
			let from = 0;
			return parts.map(({ floats }, k) => {
				const values = all.slice(from, from + floats);
				from += bytes[k]! / 4;
				return values;
			});
		} catch (error) {
			if (error instanceof MillwrightError) throw error;
			// The reason is settled in a later turn than the read that fails.
			if (!this.isLost) await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
			this.throwFault();
			throw new MillwrightError('internal', `Reading from the graphics device failed: ${(error as Error).message}`, {});
		} finally {
			staging.destroy();
		}
	}

	/** Throws what has gone wrong on the device meanwhile. */
	throwFault(): void {
		if (this.isLost)
			throw new MillwrightError('device-lost', `The graphics device was lost: ${this.#lost}`, { reason: this.#lost });
		const fault = this.#fault;
		this.#fault = undefined;
		if (fault) throw new MillwrightError('internal', `The graphics device refused its work: ${fault}`, { fault });
	}

	#watch(scope: Promise<GPUError | null>): void {
		void scope.then(
			(error) => {
				if (error) this.#fault ??= error.message || 'out of memory';
			},
			() => undefined
		);
	}

	#pipeline(shader: Shader): GPUComputePipeline {
		let pipeline = this.#pipelines.get(shader.code);
		if (!pipeline) {
			const { device } = this;
			const module = device.createShaderModule({ code: shader.code });
			pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
			this.#pipelines.set(shader.code, pipeline);
		}
		return pipeline;
	}
}

/** Writes the parameters of a shader in the order of its fields. */
export function putParams(bytes: DataView, at: number, shader: Shader, params: Readonly<Record<string, number>>): void {
	for (const [name, type] of Object.entries(shader.fields)) {
		const value = params[name];
		if (value === undefined) throw new MillwrightError('internal', `A shader lacks its parameter ${name}.`, { name });
		if (type === 'f32') bytes.setFloat32(at, value, true);
		else if (type === 'i32') bytes.setInt32(at, value, true);
		else bytes.setUint32(at, value, true);
		at += 4;
	}
}
