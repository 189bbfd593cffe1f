/** Neural: where the build puts TensorFlow.js' WASM files. Browser only: `?url` is resolved by the bundler. */
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';

/** The threaded build is never loaded (see backends.ts), but TensorFlow.js wants an entry for it. */
export const wasmFiles = {
	'tfjs-backend-wasm.wasm': plain,
	'tfjs-backend-wasm-simd.wasm': simd,
	'tfjs-backend-wasm-threaded-simd.wasm': simd
};
