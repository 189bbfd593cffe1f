/** Data Manipulation: readings in, aligned, scaled rows and windows out. */
export * from './align';
export * from './interval';
export * from './resampler';
export * from './scaler';
export * from './windows';
