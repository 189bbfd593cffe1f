/**
 * State: past anomalies that looked like this one.
 *
 * In: events with their contributors and, where stored, the course of the score. Out: the nearest ones with a similarity of 0-1:
 * 0.7 x cosine of the contributors' signed shares (share, negative where the sensor is below what was expected) + 0.3 x cosine of the
 * score's course over the event; the first alone where a course is not known.
 */
import type { AnomalyEvent, SensorDeviation } from '$lib/contracts';
import type { JudgedEvent } from './anomaly-events';

/** Score at evenly spaced times from an event's start to its end (at most half an hour). */
export type ScoreCourse = ArrayLike<number>;

export interface SimilarEvent {
	readonly event: JudgedEvent;
	readonly similarity: number;
}

const profileWeight = 0.7;
/** Below this two events have little in common. */
export const leastSimilarity = 0.6;

function profileOf(contributors: readonly SensorDeviation[]): Map<string, number> {
	return new Map(
		contributors.map(({ sensorName, share, actual, expected }) => [sensorName, actual < expected ? -share : share])
	);
}

/** Cosine of two profiles; 0 when either is empty. */
export function profileSimilarity(a: readonly SensorDeviation[], b: readonly SensorDeviation[]): number {
	const one = profileOf(a);
	const other = profileOf(b);
	let dot = 0;
	for (const [name, share] of one) dot += share * (other.get(name) ?? 0);
	const norm = (profile: Map<string, number>) => Math.sqrt([...profile.values()].reduce((sum, x) => sum + x * x, 0));
	return dot === 0 ? 0 : Math.max(0, dot / (norm(one) * norm(other)));
}

export function courseSimilarity(a: ScoreCourse, b: ScoreCourse): number {
	let dot = 0;
	let ofA = 0;
	let ofB = 0;
	for (let i = 0; i < Math.min(a.length, b.length); i++) {
		dot += a[i]! * b[i]!;
		ofA += a[i]! ** 2;
		ofB += b[i]! ** 2;
	}
	return dot === 0 ? 0 : dot / Math.sqrt(ofA * ofB);
}

/** The events most like `event`, most alike first. Only those with at least `leastSimilarity`. */
export function similarEvents(
	event: AnomalyEvent,
	past: readonly JudgedEvent[],
	courses: ReadonlyMap<string, ScoreCourse>,
	most = 5
): SimilarEvent[] {
	const own = courses.get(event.id);
	return past
		.filter(({ id, start }) => id !== event.id && start < event.start)
		.map((other): SimilarEvent => {
			const profile = profileSimilarity(event.contributors, other.contributors);
			const course = courses.get(other.id);
			const similarity =
				own && course ? profileWeight * profile + (1 - profileWeight) * courseSimilarity(own, course) : profile;
			return { event: other, similarity };
		})
		.filter(({ similarity }) => similarity >= leastSimilarity)
		.sort((a, b) => b.similarity - a.similarity || b.event.start - a.event.start)
		.slice(0, most);
}
