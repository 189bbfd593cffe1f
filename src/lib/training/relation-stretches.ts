/**
 * Training: running as the relations of a machine's sensors are learnt from.
 *
 * In: unbroken stretches of rows. Out: the same, scaled, with which of the rows live scoring would judge; and of these how the sensors go with
 * each other.
 */
import type { Calibration, RelationCalibration, Scaler, SensorKind } from '../contracts';
import { ModeDetector, learnRelations, standingSmoothing, waitingRows, type RelationStretch } from '../detection';
import { scaleRow, type AlignedRow } from '../manipulation';

/** Unbroken stretches shorter than this say nothing of moving means. */
export const leastStretch = 120;

/** Row-major [rows, sensors], without NaN: in own units, and scaled. */
export interface FlatRows {
	readonly rows: number;
	readonly own: Float32Array;
	readonly scaled: Float32Array;
}

export function flatRows(segment: readonly AlignedRow[], scaler: Scaler): FlatRows {
	const sensors = scaler.mean.length;
	const own = new Float32Array(segment.length * sensors);
	const scaled = new Float32Array(own.length);
	segment.forEach(({ values }, r) => {
		own.set(values, r * sensors);
		scaleRow(scaler, values, scaled, r * sensors);
	});
	return { rows: segment.length, own, scaled };
}

export function relationStretches(
	flat: readonly FlatRows[],
	calibration: Pick<Calibration, 'stoppedBelow' | 'jumpLimit'>
): RelationStretch[] {
	return flat.map((segment) => ({ scaled: segment.scaled, ...judgedRows(segment, calibration) }));
}

/** How the sensors go with each other; `stretches` need some hundred judged rows in all. */
export function relationsOf(
	stretches: readonly RelationStretch[],
	kinds: readonly SensorKind[],
	stepMs: number
): RelationCalibration {
	return learnRelations(
		stretches,
		kinds.length,
		stepMs,
		kinds.map((kind) => kind === 'temperature')
	);
}

/** Rows that would be judged. */
export function judgedOf(stretches: readonly Pick<RelationStretch, 'judged'>[]): number {
	return stretches.reduce((sum, { judged }) => judged.reduce((count, one) => count + one, sum), 0);
}

/** 1 for rows that live scoring would judge: neither stopped, nor on the way there, nor starting. */
function judgedRows(
	segment: FlatRows,
	calibration: Pick<Calibration, 'stoppedBelow' | 'jumpLimit'>
): Pick<RelationStretch, 'judged' | 'standing'> {
	const sensors = segment.own.length / segment.rows;
	const modes = new ModeDetector(calibration, sensors);
	const judged = new Uint8Array(segment.rows);
	let stands = 0;
	let standing = 0;
	for (let r = 0; r < segment.rows; r++) {
		const row = [r * sensors, (r + 1) * sensors] as const;
		const settled = modes.observe(segment.own.subarray(...row), segment.scaled.subarray(...row));
		const stopped = modes.mode === 'off';
		stands += standingSmoothing * ((stopped ? 1 : 0) - stands);
		if (stopped) judged.fill(0, Math.max(0, r - waitingRows), r);
		else if (settled || modes.mode === 'changing') {
			judged[r] = 1;
			standing = Math.max(standing, stands);
		}
	}
	return { judged, standing };
}
