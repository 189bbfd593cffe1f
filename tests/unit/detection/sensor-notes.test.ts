/** Sensors that are stuck or silent, and that an explanation names them although no network sees a missing value. */
import { expect, test } from 'vitest';
import { SensorNotes } from '../../../src/lib/detection/sensors/sensor-notes';

const calibration = { longestRun: [10, null], rows: 5000 };

function notesAfter(rows: readonly (readonly number[])[]) {
	const notes = new SensorNotes(calibration, 2);
	rows.forEach((row) => notes.take(row));
	return notes.notes();
}

test('a value that repeats far longer than it ever did is stuck; one that may repeat is not', () => {
	const rows = Array.from({ length: 120 }, () => [7, 3]);
	expect(notesAfter(rows)).toEqual([{ sensor: 0, note: 'stuck', score: 2 }]);
});

test('a sensor that is missing for a minute is silent; a row without any value is a matter of the link', () => {
	const missing = Array.from({ length: 60 }, (_, r) => [r, Number.NaN]);
	expect(notesAfter(missing)).toEqual([{ sensor: 1, note: 'silent', score: 1 }]);
	expect(notesAfter(missing.map(() => [Number.NaN, Number.NaN]))).toEqual([]);
});

test('runs are forgotten while a machine stands', () => {
	const notes = new SensorNotes(calibration, 2);
	for (let r = 0; r < 120; r++) {
		notes.take([7, r]);
		notes.forgetRuns();
	}
	expect(notes.notes()).toEqual([]);
});
