/** Neural, WebGPU: what the engine loads when a graphics adapter answers. */
export { GpuExecutor, lacksGpuKernels, supportsGpu } from './gpu-executor';
export { registerGpuKernels } from './tensor-kernels';
