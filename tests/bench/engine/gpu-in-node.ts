/**
 * Benchmark: WebGPU in Node, by the npm package `webgpu` (Dawn), for machines that have a graphics adapter and no Chromium that
 * reaches it. In: nothing. Out: a way to ask the engines that run here, or undefined where no adapter answers.
 */
import { create, globals } from 'webgpu';
import type { AskEngines } from './gpu-rows';

/** Makes `navigator.gpu`. The instance hangs on a global: Dawn goes away when it is collected. */
function installWebGpu(): void {
	Object.assign(globalThis, globals);
	const gpu = create([]) as GPU;
	Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node' }, configurable: true });
}

export async function enginesInNode(): Promise<AskEngines | undefined> {
	installWebGpu();
	if (!(await navigator.gpu.requestAdapter())) return undefined;
	// TensorFlow.js looks for WebGPU when it is loaded.
	const { answerWith } = await import('./jobs');
	const { gpuEngines, gpuQuestions } = await import('./product-engine');
	const { setUpStockWebGpu } = await import('./stock-engine');
	const answer = answerWith({ ...gpuEngines, 'tfjs-webgpu': () => setUpStockWebGpu() }, gpuQuestions);
	let id = 0;
	return (request) => answer({ ...request, id: id++ });
}
