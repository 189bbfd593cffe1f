/** Benchmark: how many float32 multiply-adds a graphics adapter does when nothing else holds it up. Out: a run and its flops. */
import { contextOf } from '../../../src/lib/neural/webgpu/device';
import { makeShader } from '../../../src/lib/neural/webgpu/shader';

const invocations = 256;
const workgroups = 4096;
const rounds = 200;
/** Multiply-adds of four vec4 that do not wait for each other, this many times a round. */
const unrolled = 16;

const shader = makeShader({
	fields: { rounds: 'u32', factor: 'f32' },
	buffers: { result: ['vec4f', 'read_write'] },
	invocations,
	body: `
	var a = vec4f(f32(lane)); var b = a + 1.0; var c = a + 2.0; var d = a + 3.0;
	let m = vec4f(p.factor);
	for (var k = 0u; k < p.rounds; k++) {
${'\t\ta = fma(a, m, m); b = fma(b, m, m); c = fma(c, m, m); d = fma(d, m, m);\n'.repeat(unrolled)}
	}
	result[group.x * ${invocations}u + lane] = a + b + c + d;`
});

export function multiplyAddPeak(device: GPUDevice): { readonly flops: number; run(): Promise<void> } {
	const context = contextOf(device);
	const result = context.buffer(workgroups * invocations * 4);
	const params = { rounds, factor: 0.999 };
	const recording = context.record([{ shader, params, buffers: { result }, groups: [workgroups] }]);
	return {
		flops: workgroups * invocations * rounds * unrolled * 4 * 4 * 2,
		async run() {
			const encoder = device.createCommandEncoder();
			recording.encode(encoder);
			device.queue.submit([encoder.finish()]);
			await device.queue.onSubmittedWorkDone();
		}
	};
}
