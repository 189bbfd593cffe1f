/** State Detection: aligned rows in, detected states out. */
export * from './calibrate';
export * from './level-watch';
export * from './machine-detector';
export * from './operating-mode';
export * from './predictor';
export * from './residual-tracker';
export * from './threshold';
export * from './threshold-adjustment';
