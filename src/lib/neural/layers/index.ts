/** Neural: our layers for `tf.layers` models. Importing this registers them with TensorFlow.js' serialisation. */
export { FusedLstm, fusedLstm, type FusedLstmArgs } from './fused-lstm';
export { FusedGru, fusedGru, type FusedGruArgs } from './fused-gru';
export { GaussianSampling, klDivergence } from './gaussian-sampling';
export { loadFusedModel } from './load-model';
