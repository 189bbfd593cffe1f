/**
 * Data Acquisition, quality: what is the matter with the data, from each sensor's habits.
 *
 * In: habits, the registry, the state of the link, clock corrections. Out: a `DataHealthReport`. Every rule compares a sensor with its own
 * past; none has a number to be set by a person, except a range that was declared.
 */
import {
	findingKinds,
	loadKinds,
	MAX_FINDINGS,
	Quality,
	staleIntervals,
	type DataFinding,
	type DataHealthReport,
	type EpochMs,
	type FindingKind,
	type MachineId,
	type MachineRecord,
	type SensorId,
	type SensorKind,
	type SensorRecord
} from '../../contracts';
import { RECENT_MS, type SensorHabit } from './sensor-habits';

/** Silence below this is never worth a word: brokers and networks pause. */
const LATE_FLOOR_MS = 5_000;
const SILENT_FLOOR_MS = 10_000;
/** While a sensor's usual interval is not known. */
const SILENT_UNKNOWN_MS = 60_000;
/** An unchanged run this unlikely (natural logarithm of 1e-9), given how often the value changed before, is a flat line. */
const FLAT_LOG = 20.7;
const FLAT_LEAST_READINGS = 10;
const FLAT_LEAST_MS = 60_000;
/** Alone on its machine a sensor cannot be told from a machine that stands still: then only after this long. */
const FLAT_ALONE_MS = 10 * 60_000;
const SKEW_MS = 30_000;
const UNUSUAL_FOR_MS = 3_600_000;
const restsAtZero: ReadonlySet<SensorKind> = new Set([...loadKinds, 'flow']);
/** Of the least value in running: noise around zero. */
const REST_SHARE = 0.05;
const REPEAT_SHARE = 0.1;
const REPEAT_LEAST = 10;
/** Machines that fall silent within this of each other do so together. */
const TOGETHER_MS = 15_000;

export interface FaultInput {
	readonly now: EpochMs;
	readonly machines: readonly MachineRecord[];
	readonly sensorsOf: ReadonlyMap<MachineId, readonly SensorRecord[]>;
	habit(sensorId: SensorId): SensorHabit | undefined;
	/** Undefined: the link is down. */
	readonly linkedSince: EpochMs | undefined;
	/** Clocks so far off that stored times are corrected, milliseconds ahead of this device. */
	readonly corrections: ReadonlyMap<MachineId, number>;
}

type Silence = 'silent' | 'late' | undefined;

export function findFaults(input: FaultInput): DataHealthReport {
	const steps = findFaultsInSteps(input);
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

/** The same, a machine a step: of a hundred thousand others must have their turn in between. */
export function* findFaultsInSteps(input: FaultInput): Generator<void, DataHealthReport> {
	const { now, linkedSince } = input;
	const findings: DataFinding[] = [];
	const live = input.machines.filter(({ origin }) => origin !== 'import');
	let sensors = 0;
	for (const machine of live) {
		const own = (input.sensorsOf.get(machine.id) ?? []).flatMap((record) => {
			const habit = input.habit(record.id);
			return habit && habit.lastReceived > 0 ? [{ record, habit }] : [];
		});
		sensors += own.length;
		findings.push(...findingsOf(machine, own, input));
		yield;
	}
	const sorted = withCompany(findings).sort(
		(a, b) => findingKinds.indexOf(a.kind) - findingKinds.indexOf(b.kind) || a.since - b.since
	);
	const counts: Partial<Record<FindingKind, number>> = {};
	for (const { kind } of sorted) counts[kind] = (counts[kind] ?? 0) + 1;
	return {
		at: now,
		findings: sorted.slice(0, MAX_FINDINGS),
		counts,
		machines: live.length,
		sensors,
		machinesWell: live.length - new Set(sorted.map(({ machineId }) => machineId)).size,
		linkDown: linkedSince === undefined && live.length > 0
	};
}

interface Watched {
	readonly record: SensorRecord;
	readonly habit: SensorHabit;
}

function findingsOf(machine: MachineRecord, sensors: readonly Watched[], input: FaultInput): DataFinding[] {
	const machineId = machine.id;
	const found: DataFinding[] = [];
	const gone = machine.presence?.online === false ? machine.presence : undefined;
	if (gone) found.push({ kind: 'offline', machineId, since: gone.since, reason: gone.reason });
	else if (input.linkedSince !== undefined) found.push(...silences(machineId, sensors, input));
	// The demo simulates hours of history in seconds; its clock is ours.
	if (machine.origin !== 'demo') found.push(...clockSkew(machineId, sensors, input));
	found.push(...flatLines(machineId, sensors, input.now));
	for (const sensor of sensors) found.push(...valueFaults(machineId, sensor, input.now));
	return found;
}

/** One word for the machine where all of it is silent, else one per sensor. */
function silences(machineId: MachineId, sensors: readonly Watched[], { now, linkedSince }: FaultInput): DataFinding[] {
	const states = sensors.map(({ habit }) => silenceOf(habit, now, linkedSince!));
	const last = Math.max(...sensors.map(({ habit }) => habit.lastReceived));
	const worst = states.every((state) => state === 'silent')
		? 'silent'
		: states.every((state) => state)
			? 'late'
			: undefined;
	const intervals = sensors.flatMap(({ habit }) => habit.usualIntervalMs ?? []);
	if (sensors.length > 0 && worst)
		return [
			{
				kind: worst,
				machineId,
				since: last,
				...(intervals.length > 0 && { usualIntervalMs: Math.min(...intervals) })
			}
		];
	return sensors.flatMap(({ record, habit }, i): DataFinding[] => {
		const kind = states[i];
		const usualIntervalMs = habit.usualIntervalMs;
		if (!kind) return [];
		return [
			{ kind, machineId, sensorId: record.id, since: habit.lastReceived, ...(usualIntervalMs && { usualIntervalMs }) }
		];
	});
}

export function silenceOf(habit: SensorHabit, now: EpochMs, linkedSince: EpochMs): Silence {
	const age = now - Math.max(habit.lastReceived, linkedSince);
	if (age <= LATE_FLOOR_MS) return undefined;
	const usual = habit.usualIntervalMs;
	if (usual === undefined) return age > SILENT_UNKNOWN_MS ? 'silent' : undefined;
	const longest = habit.longestIntervalMs;
	if (age > Math.max(SILENT_FLOOR_MS, staleIntervals * usual, 2 * longest)) return 'silent';
	return age > Math.max(LATE_FLOOR_MS, 3 * usual, 1.5 * longest) ? 'late' : undefined;
}

function flatLines(machineId: MachineId, sensors: readonly Watched[], now: EpochMs): DataFinding[] {
	const changing = sensors.filter(({ record, habit }) => record.kind !== 'state' && (habit.changeShare ?? 0) >= 0.02);
	const flat = changing.filter(({ habit }) => isFlat(habit));
	// Most of them at once: the machine stands still, and its sensors are right.
	if (changing.length > 1 && flat.length * 2 > changing.length) return [];
	const least = changing.length > 1 ? FLAT_LEAST_MS : FLAT_ALONE_MS;
	return flat.flatMap(({ record, habit }): DataFinding[] => {
		const { readings, since } = habit.unchanged;
		// What has stopped coming is silent, not flat.
		if (habit.lastReceived - since < least || now - habit.lastReceived > RECENT_MS) return [];
		return [{ kind: 'flat-line', machineId, sensorId: record.id, since, value: habit.lastValue, count: readings }];
	});
}

/** With a change at a share p of readings, n unchanged ones in a row happen with probability (1 - p)^n. */
export function isFlat(habit: SensorHabit): boolean {
	const share = Math.min(0.9, habit.changeShare ?? 0);
	const { readings } = habit.unchanged;
	return share > 0 && readings >= FLAT_LEAST_READINGS && readings * -Math.log(1 - share) > FLAT_LOG;
}

function valueFaults(machineId: MachineId, { record, habit }: Watched, now: EpochMs): DataFinding[] {
	const found: DataFinding[] = [];
	const sensorId = record.id;
	const { lastBad, outside, recent } = habit;
	if (lastBad && now - lastBad.at < RECENT_MS && recent.bad > 0) {
		const range = record.validRange;
		const isOutside =
			lastBad.quality === Quality.bad && range && (lastBad.value < range[0] || lastBad.value > range[1]);
		const figures = {
			machineId,
			sensorId,
			since: lastBad.at,
			value: lastBad.value,
			count: recent.bad,
			of: recent.readings
		};
		if (isOutside) found.push({ kind: 'out-of-range', ...figures, range });
		else found.push({ kind: 'bad-quality', ...figures, reason: lastBad.quality === Quality.bad ? 'bad' : 'uncertain' });
	}
	if (outside && now - outside.at < UNUSUAL_FOR_MS && !isStop(record.kind, outside))
		found.push({ kind: 'unusual', machineId, sensorId, since: outside.at, value: outside.value, range: outside.range });
	const isRecent = now - habit.lastReceived < RECENT_MS;
	if (isRecent && recent.repeats >= REPEAT_LEAST && recent.repeats > REPEAT_SHARE * recent.readings)
		found.push({
			kind: 'duplicates',
			machineId,
			sensorId,
			since: habit.lastReceived,
			count: recent.repeats,
			of: recent.readings
		});
	return found;
}

/** A machine's first stop is nothing unusual, however steadily it ran until then: what goes with its load is at rest near zero. */
function isStop(kind: SensorKind, { value, range: [low, high] }: NonNullable<SensorHabit['outside']>): boolean {
	if (!restsAtZero.has(kind) || low * high <= 0) return false;
	const nearest = low > 0 ? low : high;
	return value / nearest > -REST_SHARE && value / nearest < 1;
}

function clockSkew(machineId: MachineId, sensors: readonly Watched[], { now, corrections }: FaultInput): DataFinding[] {
	const correction = corrections.get(machineId);
	const heard = sensors.filter(({ habit }) => habit.seen >= 10 && now - habit.lastReceived < RECENT_MS);
	const newest = Math.max(0, ...sensors.map(({ habit }) => habit.lastReceived));
	if (correction !== undefined && newest > 0)
		return [{ kind: 'clock-skew', machineId, since: newest, skewMs: correction, corrected: true }];
	if (heard.length === 0) return [];
	const skews = heard.map(({ habit }) => habit.skewMs).sort((a, b) => a - b);
	const skewMs = skews[skews.length >> 1]!;
	return Math.abs(skewMs) > SKEW_MS ? [{ kind: 'clock-skew', machineId, since: newest, skewMs }] : [];
}

/** Machines of one place that fell silent at the same moment probably share the cause: a gateway, a network, a supply. */
function withCompany(findings: readonly DataFinding[]): DataFinding[] {
	const byPlace = new Map<string, DataFinding[]>();
	const placeOf = ({ machineId }: DataFinding) => machineId.slice(0, Math.max(0, machineId.lastIndexOf('/')));
	const isWholeMachine = (finding: DataFinding) => finding.kind === 'silent' && finding.sensorId === undefined;
	for (const finding of findings) {
		if (!isWholeMachine(finding)) continue;
		const place = byPlace.get(placeOf(finding));
		if (place) place.push(finding);
		else byPlace.set(placeOf(finding), [finding]);
	}
	for (const place of byPlace.values()) place.sort((a, b) => a.since - b.since);
	return findings.map((finding) => {
		if (!isWholeMachine(finding)) return finding;
		const place = byPlace.get(placeOf(finding))!;
		const together = countWithin(place, finding.since) - 1;
		return together > 0 ? { ...finding, together } : finding;
	});
}

/** Findings whose start lies within `TOGETHER_MS` of `since`; `sorted` by start. */
function countWithin(sorted: readonly DataFinding[], since: EpochMs): number {
	const lowerBound = (time: EpochMs) => {
		let [low, high] = [0, sorted.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if (sorted[middle]!.since < time) low = middle + 1;
			else high = middle;
		}
		return low;
	};
	return lowerBound(since + TOGETHER_MS + 1) - lowerBound(since - TOGETHER_MS);
}
