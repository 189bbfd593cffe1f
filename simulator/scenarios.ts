/**
 * Simulator: scenarios - which machines get which fault when - as data.
 *
 * In: the machines of a plant and a seed. Out: the faults planned for each. Times are minutes of a nominal hour, stretched
 * to the plant's horizon, counted from the moment the plant goes live (earlier history shows what came before).
 */
import { MillwrightError, type MachineClassId } from '../src/lib/contracts';
import { machineClasses } from './machines';
import { hash, hashText, RandomStream } from './random';
import { sensorFaultModes } from './sensor-faults';

export interface Scenario {
	readonly id: string;
	readonly title: string;
	readonly description: string;
}

/** One line of a scenario. */
export interface ScenarioFault {
	/** Machine by its place in the plant (from 0), or the `nth` machine (from 0) of a class. */
	readonly machine: number | { readonly machineClass: MachineClassId; readonly nth: number };
	readonly fault: string;
	/** Sensor faults only: which sensor; otherwise drawn by seed. */
	readonly sensor?: string;
	/** Minutes of the nominal hour. */
	readonly onset: number;
	readonly growth: number;
}

/** Minutes that onset and growth are written in; a plant's horizon stretches them. */
export const NOMINAL_MINUTES = 60;

/** Of the machines that can have the fault of a one-fault scenario, every third gets it. */
const EVERY = 3;

const demo: readonly ScenarioFault[] = [
	// exponential growth: at 75 % of the way severity is 0.36 - visible as soon as history is
	{
		machine: { machineClass: 'centrifugal-pump', nth: 0 },
		fault: 'bearing-wear',
		onset: -90,
		growth: 120
	},
	{ machine: { machineClass: 'electric-motor', nth: 1 }, fault: 'misalignment', onset: 6, growth: 20 },
	{ machine: { machineClass: 'gearbox-conveyor', nth: 0 }, fault: 'gear-crack', onset: 10, growth: 30 }
];

/** Ids of all physical faults, each once, in the order of the classes. */
const physicalFaults = [...new Set(machineClasses.flatMap((c) => c.faults.map((fault) => fault.id)))];

function titleOf(fault: string): string {
	const modes = [...machineClasses.flatMap((c) => c.faults), ...sensorFaultModes];
	return modes.find((mode) => mode.id === fault)!.title;
}

function carriersOf(fault: string): readonly MachineClassId[] {
	const carriers = machineClasses.filter((c) => c.faults.some((mode) => mode.id === fault));
	return (carriers.length > 0 ? carriers : machineClasses).map((c) => c.id);
}

export const scenarios: readonly Scenario[] = [
	{
		id: 'demo',
		title: 'Demo',
		description:
			'One pump bearing is well worn at the start, a motor loses its alignment from minute 6 on, a gear tooth of a conveyor cracks from minute 10 on; the rest is healthy.'
	},
	{ id: 'healthy', title: 'Healthy', description: 'No faults: machines go through their modes.' },
	{
		id: 'mixed',
		title: 'Mixed',
		description: 'Two machines in five get a fault each: which, and when within the hour, is drawn by the seed.'
	},
	...[...physicalFaults, ...sensorFaultModes.map((mode) => mode.id)].map((fault) => ({
		id: fault,
		title: titleOf(fault),
		description: `Every third machine that can have it (${carriersOf(fault).join(', ')}), the first from minute 2 on, growing for 20 minutes.`
	}))
];

export function findScenario(id: string): Scenario {
	const found = scenarios.find((scenario) => scenario.id === id);
	if (!found)
		throw new MillwrightError(
			'invalid-input',
			`There is no scenario "${id}"; there is ${scenarios.map((scenario) => scenario.id).join(', ')}`,
			{ scenario: id, known: scenarios.map((scenario) => scenario.id) }
		);
	return found;
}

/** Order of classes in a plant: those that show the scenario come first, so that one machine is enough to see it. */
export function classOrder(scenarioId: string): readonly MachineClassId[] {
	const all = machineClasses.map((c) => c.id);
	if (!physicalFaults.includes(scenarioId)) return all;
	const carriers = carriersOf(scenarioId);
	return [...carriers, ...all.filter((id) => !carriers.includes(id))];
}

/** The lines of a scenario for a plant whose machines are of these classes. */
export function planScenario(
	scenarioId: string,
	classes: readonly MachineClassId[],
	seed: number
): readonly ScenarioFault[] {
	findScenario(scenarioId);
	if (scenarioId === 'demo') return demo;
	if (scenarioId === 'healthy') return [];
	if (scenarioId === 'mixed') return planMixed(classes, seed);
	const carriers = carriersOf(scenarioId);
	return classes
		.map((id, machine) => ({ id, machine }))
		.filter(({ id }) => carriers.includes(id))
		.filter((_, i) => i % EVERY === 0)
		.map(({ machine }, i) => ({ machine, fault: scenarioId, onset: 2 + (i % 8), growth: 20 }));
}

function planMixed(classes: readonly MachineClassId[], seed: number): readonly ScenarioFault[] {
	const random = new RandomStream(hash(seed, hashText('mixed')));
	return classes.flatMap((id, machine) => {
		const drawn = random.uniform();
		const modes = machineClasses.find((c) => c.id === id)!.faults;
		// one in six of the faults is the sensor's own
		const faulty = random.uniform() < 1 / 6 ? sensorFaultModes : modes;
		const fault = faulty[Math.floor(random.uniform() * faulty.length)]!.id;
		const onset = random.uniform(3, 35);
		const growth = random.uniform(12, 24);
		return drawn < 0.4 ? [{ machine, fault, onset, growth }] : [];
	});
}
