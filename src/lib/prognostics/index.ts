/**
 * Prognostics Assessment: how long until the event. In: health reports (`MachinePrognosis`), or a unit's life and a model learnt
 * from units that ran to failure (`RulEnsemble`). Out: a prognosis with its uncertainty, or what is missing to give one.
 */
export * from './health-trend';
export * from './machine-prognosis';
export * from './score-history';
export * from './similarity/failure-outlooks';
export * from './similarity/match-failures';
export * from './similarity/sensor-levels';
export * from './risk/calibrate-probabilities';
export * from './risk/day-features';
export * from './risk/failure-classifier';
export * from './risk/forest';
export * from './risk/forest-shapley';
export * from './risk/logistic';
export * from './risk/lstm-classifier';
export * from './risk/row-features';
export * from './risk/score-probabilities';
export * from './rul/interval';
export * from './rul/life-features';
export * from './rul/operating-conditions';
export * from './rul/rul-ensemble';
