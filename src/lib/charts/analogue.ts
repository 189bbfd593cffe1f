/**
 * A moving analogue bar: where a value stands beside its normal range. In: value and range. Out: positions 0-1 along the
 * bar. The normal range takes the middle half, so that all bars of a machine read alike (High Performance HMI Handbook).
 */
export interface AnaloguePlacement {
	/** Ends of the normal range along the bar. */
	readonly normalFrom: number;
	readonly normalTo: number;
	/** The value's place, held inside the bar. */
	readonly at: number;
	readonly state: 'normal' | 'low' | 'high';
	/** The value lies past the end of the bar. */
	readonly beyond: boolean;
}

export function placeAnalogue(value: number, low: number, high: number): AnaloguePlacement | undefined {
	if (![value, low, high].every(Number.isFinite) || high <= low) return undefined;
	const span = high - low;
	const from = low - span / 2;
	const at = (value - from) / (2 * span);
	return {
		normalFrom: 0.25,
		normalTo: 0.75,
		at: Math.min(1, Math.max(0, at)),
		state: value < low ? 'low' : value > high ? 'high' : 'normal',
		beyond: at < 0 || at > 1
	};
}
