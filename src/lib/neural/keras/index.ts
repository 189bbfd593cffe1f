/**
 * Neural: models from and to Keras, in the form that TensorFlow.js exchanges (model.json and weight files, "layers-model").
 * In: files. Out: a network specification and weights for `createNetwork` and `setWeights`; and back.
 */
export { importKeras } from './import';
export { exportKeras } from './export';
export { gatherKerasFiles, splitKerasFiles, type NamedBytes } from './files';
export type { KerasFiles, ImportedNetwork } from './format';
