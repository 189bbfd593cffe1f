/** State Detection: plain statistical detectors, the floors that the networks have to beat. */
export * from './control-charts';
export * from './isolation-forest';
export * from './row-detector';
