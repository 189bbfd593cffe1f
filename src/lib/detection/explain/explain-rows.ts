/**
 * State Detection: an anomaly explained from the rows around it.
 *
 * In: aligned rows before and within the anomaly. Out: the sensors' parts by integrated gradients, from what the model expected.
 */
import type { ModelPackage } from '../../contracts';
import type { CourseRow } from './expected-course';
import { attribute, expectedWindow, type Attribution } from './integrated-gradients';

/** Rows of the window that is explained, and those at its end whose residual is. */
export const explainedRows = 120;
const judgedRows = 20;
export interface ExplainOptions {
	readonly points?: number;
	readonly proceed?: () => Promise<boolean>;
}

/** `end`: index of the row to explain. Undefined when too few rows lie before it without a gap. */
export async function explainRows(
	pkg: ModelPackage,
	rows: readonly CourseRow[],
	end: number,
	options: ExplainOptions = {}
): Promise<Attribution | undefined> {
	const { scaler } = pkg.version;
	const sensors = scaler.sensorNames.length;
	let from = end;
	while (from > 0 && end - from + 1 < explainedRows && !rows[from]!.breakBefore) from--;
	const count = end - from + 1;
	if (count < 2 * judgedRows) return undefined;
	const window = new Float32Array(count * sensors);
	for (let r = 0; r < count; r++)
		for (let i = 0; i < sensors; i++) {
			const value = (rows[from + r]!.values[i]! - scaler.mean[i]!) / scaler.deviation[i]!;
			window[r * sensors + i] = Number.isNaN(value)
				? (window[(r - 1) * sensors + i] ?? 0)
				: Math.max(-8, Math.min(8, value));
		}
	const reference = expectedWindow(pkg, window, count);
	return attribute({ pkg, window, rows: count, judgedRows, reference, ...options });
}
