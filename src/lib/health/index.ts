/** Health Assessment: detected states in, health reports and anomalous spans out. */
export * from './assess-health';
