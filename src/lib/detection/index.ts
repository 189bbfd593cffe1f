/** State Detection: aligned rows in, detected states out. */
export * from './adapted-scoring';
export * from './calibrate';
export * from './drift/drift-monitor';
export * from './explain/expected-course';
export * from './explain/explain-rows';
export * from './explain/integrated-gradients';
export * from './level-watch';
export * from './machine-detector';
export * from './modes/learn-modes';
export * from './modes/mode-conditioning';
export * from './modes/mode-tracker';
export * from './operating-mode';
export * from './predictor';
export * from './residual-tracker';
export * from './threshold';
export * from './threshold-adjustment';
