/**
 * Training worker: a machine's own life before a promoted remaining-life model. In: a machine and its stored readings since it was new.
 * Out: its prognosis now, and what the same model says at earlier steps, each from what was known by then.
 */
import {
	MillwrightError,
	sensorIdOf,
	sensorsReadBy,
	type EarlierPrognosis,
	type EpochMs,
	type MachineId,
	type Prognosis,
	type RulAssignment,
	type RulEstimate,
	type RulModelVersion,
	type RulOfMachine,
	type UnitHistory
} from '../../contracts';
import type { Engine } from '../../neural';
import { RulEnsemble } from '../../prognostics';
import type { Store } from '../../storage/store';
import { fewestRows } from '../../training';

const hourMs = 3_600_000;
const mostEarlier = 48;
/** Steps of one machine that are read at once. */
const mostSteps = 100_000;

/** @throws MillwrightError `not-found` when the model is gone, storage errors */
export async function rulOfMachine(
	store: Store,
	engine: () => Promise<Engine>,
	machineId: MachineId,
	now: EpochMs
): Promise<RulOfMachine | undefined> {
	const assignment = await assignmentOf(store, machineId);
	if (!assignment) return undefined;
	const pkg = await store.rulModels.load(assignment.versionId);
	const { version } = pkg;
	const { stepHours } = assignment;
	const answer = (prognosis: Omit<Prognosis, 'machineId' | 'time'>, steps: number, time = now): RulOfMachine => ({
		versionId: version.id,
		title: version.title,
		prognosis: { machineId, time, ...prognosis },
		steps,
		stepHours
	});
	const sensors = await store.registry.sensors(machineId);
	const known = new Set(sensors.map(({ name }) => name));
	const lacking = sensorsReadBy(version).filter((name) => !known.has(name));
	if (lacking.length > 0)
		return answer(
			{ method: 'none', missing: `${version.title} reads sensors that this machine has not: ${lacking.join(', ')}` },
			0
		);
	const { unit, times } = await lifeOf(store, machineId, version, assignment, now);
	if (unit.steps < fewestRows)
		return answer(
			{ method: 'none', missing: `Too short a life to judge yet: ${unit.steps} of ${fewestRows} ${version.stepName}s` },
			unit.steps
		);
	const ensemble = new RulEnsemble(await engine(), pkg);
	try {
		const last = unit.steps - 1;
		const stride = Math.max(1, Math.ceil((last - fewestRows + 2) / mostEarlier));
		const ends: number[] = [];
		for (let end = last; end >= fewestRows - 1; end -= stride) ends.unshift(end);
		const estimates = await ensemble.estimate(unit, ends);
		const said = estimates.map((estimate, i): EarlierPrognosis => ({
			time: times[ends[i]!]!,
			...hoursOf(estimate, stepHours)
		}));
		const newest = estimates.at(-1)!;
		const within = (hours: number) => ensemble.failureProbability(newest.median, hours / stepHours);
		return answer(
			{
				method: 'rul-model',
				rulHours: hoursOf(newest, stepHours),
				// Beyond the cap nothing is told apart: there a probability would be made up.
				...(168 / stepHours < version.spec.capSteps && {
					eventProbability: { within24h: within(24), within72h: within(72), within7d: within(168) }
				}),
				earlier: said
			},
			unit.steps,
			times[last]!
		);
	} finally {
		ensemble.dispose();
	}
}

const hoursOf = ({ median, low, high, beyondCap }: RulEstimate, stepHours: number) => ({
	median: median * stepHours,
	low: low * stepHours,
	high: beyondCap ? Infinity : high * stepHours
});

/** The machine's own comes before its class's. */
async function assignmentOf(store: Store, machineId: MachineId): Promise<RulAssignment | undefined> {
	const assignments = await store.rulModels.assignments();
	if (assignments.length === 0) return undefined;
	const machine = (await store.registry.machines()).find(({ id }) => id === machineId);
	return (
		assignments.find(({ target }) => 'machineId' in target && target.machineId === machineId) ??
		assignments.find(({ target }) => 'machineClass' in target && target.machineClass === machine?.machineClass)
	);
}

/** Means of each whole step since the machine was new; a step in which nothing was heard is no step of its life. */
async function lifeOf(
	store: Store,
	machineId: MachineId,
	version: RulModelVersion,
	{ stepHours, newSince }: RulAssignment,
	now: EpochMs
): Promise<{ unit: UnitHistory; times: EpochMs[] }> {
	const extent = await store.series.extent(machineId);
	const empty = {
		unitId: machineId,
		steps: 0,
		settings: new Float32Array(),
		sensors: new Float32Array(),
		failed: false
	};
	if (!extent) return { unit: empty, times: [] };
	const from = Math.max(newSince ?? extent.from, extent.from);
	const stepMs = stepHours * hourMs;
	const count = Math.floor((Math.min(now, extent.to) - from) / stepMs);
	if (count <= 0) return { unit: empty, times: [] };
	if (count > mostSteps)
		throw new MillwrightError(
			'invalid-input',
			`This machine's life has more than ${mostSteps} steps of ${stepHours} h`
		);
	const { sensorNames, settingNames } = version;
	const names = [...sensorNames, ...settingNames];
	const sums = names.map(() => new Float64Array(count));
	const counts = names.map(() => new Uint32Array(count));
	// One sensor after the other: raw readings of months do not all fit in memory.
	for (const [k, name] of names.entries()) {
		const [slice] = await store.series.query({
			sensorIds: [sensorIdOf(machineId, name)],
			from,
			to: from + count * stepMs - 1,
			...(stepMs > 600_000 && { maxPoints: Math.min(count * 12, 200_000) })
		});
		slice?.times.forEach((time, i) => {
			const step = Math.floor((time - from) / stepMs);
			const [value, weight] = [slice.mean[i]!, slice.counts[i]!];
			if (!(step >= 0 && step < count) || !Number.isFinite(value)) return;
			sums[k]![step]! += value * weight;
			counts[k]![step]! += weight;
		});
	}
	const heard = Array.from({ length: count }, (_, s) => s).filter((s) => counts.some((column) => column[s]! > 0));
	const columns = (first: number, width: number) => {
		const values = new Float32Array(heard.length * width);
		heard.forEach((s, t) => {
			for (let j = 0; j < width; j++) {
				const n = counts[first + j]![s]!;
				values[t * width + j] = n > 0 ? sums[first + j]![s]! / n : NaN;
			}
		});
		return values;
	};
	return {
		unit: {
			unitId: machineId,
			steps: heard.length,
			sensors: columns(0, sensorNames.length),
			settings: columns(sensorNames.length, settingNames.length),
			failed: false
		},
		times: heard.map((s) => from + (s + 1) * stepMs)
	};
}
