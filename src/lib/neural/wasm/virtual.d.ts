/** Compiled LSTM kernels, provided by `vite-plugin-assemblyscript.ts`. */
declare module 'virtual:millwright-lstm-wasm?simd' {
	const url: string;
	export default url;
}
declare module 'virtual:millwright-lstm-wasm?relaxed' {
	const url: string;
	export default url;
}
