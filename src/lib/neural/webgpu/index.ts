/** Neural, WebGPU: what the engine loads when a graphics adapter answers. */
export { GpuExecutor, supportsGpu } from './gpu-executor';
export { registerGpuKernels } from './tensor-kernels';
