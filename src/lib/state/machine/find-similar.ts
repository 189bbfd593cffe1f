/**
 * State: looks through storage for past anomalies like one.
 *
 * In: an event. Out: the nearest past events of the same machine and of machines of its class, newest 200 considered, with the course
 * of the score read where it is still stored.
 */
import { derivedSeries, sensorIdOf, type AnomalyEvent, type MachineId } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { judgedEvents } from './anomaly-events';
import { similarEvents, type ScoreCourse, type SimilarEvent } from './similar-events';

const mostConsidered = 200;
const coursePoints = 24;
const longestCourseMs = 30 * 60_000;

/** Rejects when storage does. */
export async function findSimilar(store: Store, event: AnomalyEvent, now: number): Promise<SimilarEvent[]> {
	const machines = await store.registry.machines();
	const own = machines.find(({ id }) => id === event.machineId);
	const kin = new Set<MachineId>([event.machineId]);
	for (const { id, machineClass } of machines)
		if (machineClass !== undefined && machineClass === own?.machineClass) kin.add(id);
	const [alarms, spans, verdicts] = await Promise.all([
		store.alarms.list({ to: event.start }),
		store.spans.list({ machineId: event.machineId, from: -Infinity, to: event.start }),
		store.verdicts.list()
	]);
	const ofKin = <T extends { machineId: MachineId }>(list: readonly T[]) =>
		list.filter(({ machineId }) => kin.has(machineId));
	const past = judgedEvents(ofKin(alarms), spans, ofKin(verdicts))
		.filter(({ id, start }) => id !== event.id && start < event.start)
		.slice(0, mostConsidered);
	const courses = new Map<string, ScoreCourse>();
	for (const one of [event, ...past]) {
		const course = await courseOf(store, one, now);
		if (course) courses.set(one.id, course);
	}
	return similarEvents(event, past, courses);
}

/** Mean score in `coursePoints` equal parts of the event; undefined where nothing of it is stored any more. */
async function courseOf(store: Store, event: AnomalyEvent, now: number): Promise<ScoreCourse | undefined> {
	const to = Math.min(event.end ?? now, event.start + longestCourseMs);
	if (!(to > event.start)) return undefined;
	const [slice] = await store.series.query({
		sensorIds: [sensorIdOf(event.machineId, derivedSeries.score)],
		from: event.start,
		to,
		maxPoints: coursePoints * 4
	});
	if (!slice || slice.times.length < 4) return undefined;
	const sums = new Float64Array(coursePoints);
	const counts = new Float64Array(coursePoints);
	slice.times.forEach((time, i) => {
		const part = Math.min(coursePoints - 1, Math.floor(((time - event.start) / (to - event.start)) * coursePoints));
		if (part < 0 || Number.isNaN(slice.mean[i]!)) return;
		sums[part]! += slice.mean[i]!;
		counts[part]!++;
	});
	let last = 0;
	return sums.map((sum, i) => (last = counts[i]! > 0 ? sum / counts[i]! : last));
}
