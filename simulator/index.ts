/**
 * The simulator's front door: `createPlant` and the descriptions of what it can simulate.
 *
 * Used by the page (a transport), the command line, tests and training. Imports only `contracts`.
 */
export { createPlant, type PlantConfig, type SimulatedMessage, type SimulatedPlant } from './plant';
export type { PlannedFault, SimulatedMachine } from './machine';
export type { FaultMode, MachineClass, ModeSpec, SensorSpec } from './machine-class';
export { growthLaws, severityAt, shareAtSeverity, type GrowthLaw, type GrowthLawId } from './growth';
export { machineClasses } from './machines';
export { scenarios, type Scenario, type ScenarioFault } from './scenarios';
export { sensorFaultModes, type SensorFaultMode } from './sensor-faults';
