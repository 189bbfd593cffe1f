/**
 * Neural, WebGPU: one call of a registered kernel: TensorFlow.js' tensors as buffers, dispatches, copies, and buffers that live no
 * longer than the call. In: TensorFlow.js' backend. Out: tensors on the device; nothing is read back.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { contextOf, type Dispatch, type GpuContext } from './device';
import { fitRows, spread } from './rearrange';

/** What these kernels use of TensorFlow.js' backend. */
export interface GraphicsBackend {
	readonly device: GPUDevice;
	readonly commandEncoder: GPUCommandEncoder | null;
	readonly tensorMap: { get(dataId: object): { resource: GPUBuffer } };
	endComputePassEncoder(): void;
	submitQueue(): void;
	uploadToGPU(dataId: object): void;
	makeTensorInfo(shape: number[], dtype: 'float32', values?: Float32Array): TensorInfo;
}

/** One call of a kernel: its dispatches and the buffers that live no longer than it. */
export class KernelCall {
	readonly context: GpuContext;
	readonly dispatches: Dispatch[] = [];
	private readonly copies: [from: GPUBuffer, to: GPUBuffer, fromByte: number, toByte: number, bytes: number][] = [];
	private readonly copiesAfter: typeof this.copies = [];
	private readonly temporary: GPUBuffer[] = [];

	constructor(private readonly backend: GraphicsBackend) {
		this.context = contextOf(backend.device);
	}

	buffer(floats: number): GPUBuffer {
		const made = this.context.buffer(floats);
		this.temporary.push(made);
		return made;
	}

	input(info: TensorInfo): GPUBuffer {
		this.backend.uploadToGPU(info.dataId);
		return this.backend.tensorMap.get(info.dataId).resource;
	}

	output(shape: number[]): { info: TensorInfo; buffer: GPUBuffer } {
		const info = this.backend.makeTensorInfo(shape, 'float32');
		return { info, buffer: this.input(info) };
	}

	nothing(): TensorInfo {
		return this.backend.makeTensorInfo([0], 'float32', new Float32Array(0));
	}

	add(dispatch: Dispatch): void {
		this.dispatches.push(dispatch);
	}

	copy(from: GPUBuffer, to: GPUBuffer, floats: number, fromFloat = 0, toFloat = 0, after = false): void {
		(after ? this.copiesAfter : this.copies).push([from, to, fromFloat * 4, toFloat * 4, floats * 4]);
	}

	/** Rows of `width` as rows of `toWidth`; the buffer itself where they are the same. */
	fitted(rows: GPUBuffer, count: number, width: number, toWidth: number): GPUBuffer {
		if (width === toWidth) return rows;
		const to = this.buffer(count * toWidth);
		this.fit(rows, to, count, width, toWidth);
		return to;
	}

	fit(rows: GPUBuffer, fitted: GPUBuffer, count: number, width: number, toWidth: number, start = 0, toStart = 0): void {
		const params = { count: count * toWidth, width, toWidth, start, toStart };
		this.add({ shader: fitRows, params, buffers: { rows, fitted }, groups: spread(count * toWidth) });
	}

	/** Runs everything after what TensorFlow.js has recorded so far, on the same queue. */
	run(): void {
		const { backend, context } = this;
		context.throwFault();
		backend.endComputePassEncoder();
		if (backend.commandEncoder) backend.submitQueue();
		const recording = context.record(this.dispatches);
		const commands = context.device.createCommandEncoder();
		for (const [from, to, fromByte, toByte, bytes] of this.copies)
			commands.copyBufferToBuffer(from, fromByte, to, toByte, bytes);
		recording.encode(commands);
		for (const [from, to, fromByte, toByte, bytes] of this.copiesAfter)
			commands.copyBufferToBuffer(from, fromByte, to, toByte, bytes);
		context.device.queue.submit([commands.finish()]);
		recording.destroy();
		this.temporary.forEach((buffer) => buffer.destroy());
	}
}
