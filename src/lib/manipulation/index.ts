/** Data Manipulation: readings in, aligned, scaled rows, windows and features out. */
export * from './align';
export * from './features';
export * from './interval';
export * from './resampler';
export * from './scaler';
export * from './windows';
