/**
 * The WebAssembly module of the LSTM engine. Holds no state and allocates nothing: callers lay out its memory, fill the layer
 * descriptors (`Recurrent`, `Dense`) and pass byte offsets.
 */
export { recurrentBackward, recurrentForward } from './recurrent';
export { denseBackward, denseForward } from './dense';
export {
	copyRows,
	foldBias,
	fromBlocks,
	fromTimeMajor,
	gatherRows,
	packRow,
	packTransposed,
	scatterRows,
	sumSteps,
	toBlocks,
	toTimeMajor
} from './layout';
export { adam, loss, sumSquares } from './optimizer';
export { multiplyAddPeak } from './peak';

/** First byte that callers may use. */
export function heapBase(): usize {
	return __heap_base;
}
