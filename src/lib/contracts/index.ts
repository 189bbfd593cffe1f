/** The types and validators of everything that crosses a boundary (worker, storage, wire, file). Imports nothing of ours. */
export * from './advisory';
export * from './detected-state';
export * from './error';
export * from './file-import';
export * from './ground-truth';
export * from './health-report';
export * from './identity';
export * from './link';
export * from './live';
export * from './machine';
export * from './model-version';
export * from './prognosis';
export * from './reading';
export * from './sample-window';
export * from './series';
export * from './source';
export * from './training';
