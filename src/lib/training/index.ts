/** Training: spans of normal running in, model versions out; shared by the page, the tests and `npm run train:models`. */
export * from './adopt-network';
export * from './checksum';
export * from './corrupt';
export * from './plan';
export * from './propose';
export * from './recording';
export * from './resumable-fit';
export * from './risk/cross-validate-risk';
export * from './rul/plan';
export * from './rul/ridge';
export * from './rul/search-rul';
export * from './rul/train-rul';
export * from './train-ensemble';
export * from './train-predictor';
export * from './version-id';
export * from './version-modes';
