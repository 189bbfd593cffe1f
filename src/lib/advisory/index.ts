/** Advisory Generation: health reports in, alarms out. */
export * from './alarm-machine';
export * from './failure-alarm';
export * from './reason';
