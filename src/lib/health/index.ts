/** Health Assessment: detected states in, health reports, anomalous spans and fault classifications out. */
export * from './assess-health';
export * from './cholesky';
export * from './discriminant';
export * from './fault-classifier';
export * from './fault-modes';
export * from './vibration-zones';
