/**
 * Simulator physics: velocity RMS of a machine from the parts that shake it.
 *
 * Independent sources add as squares. Imbalance grows with the square of speed (centrifugal force m e w^2), misalignment
 * shakes at twice the shaft frequency, bearing and cavitation noise is broad-band (ISO 20816-1; Randall, Vibration-based
 * Condition Monitoring, ch. 2).
 */

/** Root of the sum of squares. */
export function combine(a: number, b: number, c = 0, d = 0): number {
	return Math.sqrt(a * a + b * b + c * c + d * d);
}

/** Relative scatter of a one-second RMS estimate. */
export const RMS_SCATTER = 0.045;
