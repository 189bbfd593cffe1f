/**
 * Neural: models from and to Keras: `.keras` and HDF5 files, and the form that TensorFlow.js exchanges (model.json and weight
 * files, "layers-model"). In: files. Out: a network specification and weights for `createNetwork` and `setWeights`; and back.
 */
export { importKeras } from './import';
export { exportKeras } from './export';
export { zip } from './archive';
export { gatherKerasFiles, splitKerasFiles, type NamedBytes } from './files';
export { readPickedModel, type PickedModel } from './read-model';
export type { KerasFiles, ImportedNetwork } from './format';
