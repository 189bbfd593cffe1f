/**
 * State Detection: sensors in the order of what they have to do with a verdict.
 *
 * In: a square per sensor, what is the matter with sensors themselves, where each stands and is expected. Out: deviations for a person, the
 * largest share first.
 */
import type { SensorDeviation } from '../../contracts';
import type { SensorNote } from '../sensors/sensor-notes';

/** `squares`: [sensors]. `shown`: of one sensor, in its own unit. */
export function rankDeviations(
	sensorNames: readonly string[],
	squares: Float64Array,
	notes: readonly SensorNote[],
	shown: (sensor: number) => Pick<SensorDeviation, 'actual' | 'expected' | 'band' | 'ofNetwork'>
): SensorDeviation[] {
	const noted = new Map(notes.filter(({ score }) => score >= 1).map(({ sensor, note }) => [sensor, note]));
	const ranked = squares.slice();
	// A dead sensor explains more than what its absence does to the others.
	const largest = Math.max(...ranked, 1e-9);
	for (const sensor of noted.keys()) ranked[sensor] = largest * 4;
	const total = ranked.reduce((sum, square) => sum + square, 0) || 1;
	return Array.from(ranked, (square, i): SensorDeviation => {
		const note = noted.get(i);
		return { sensorName: sensorNames[i]!, share: square / total, ...shown(i), ...(note && { note }) };
	}).sort((a, b) => b.share - a.share);
}
