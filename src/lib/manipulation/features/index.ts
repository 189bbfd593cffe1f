/** Features of waveforms and cycles: the catalogue, spectra, and frequencies from geometry. */
export * from './catalogue';
export * from './cycle';
export * from './findings';
export * from './fourier';
export * from './machine-frequencies';
export * from './spectral';
export * from './statistical';
export * from './waveform-measure';
