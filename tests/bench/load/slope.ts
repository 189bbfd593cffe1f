/** Straight lines through samples over time: by how much something grows, and how sure that is. */

export interface Slope {
	/** Units of `y` per unit of `x`. */
	readonly slope: number;
	/** Standard error of the slope: within about two of it a slope is noise. */
	readonly error: number;
}

/** Least squares; NaN with fewer than three samples. */
export function slopeOf(samples: readonly (readonly [x: number, y: number])[]): Slope {
	const n = samples.length;
	if (n < 3) return { slope: NaN, error: NaN };
	const meanX = samples.reduce((sum, [x]) => sum + x, 0) / n;
	const meanY = samples.reduce((sum, [, y]) => sum + y, 0) / n;
	let sxx = 0;
	let sxy = 0;
	for (const [x, y] of samples) {
		sxx += (x - meanX) ** 2;
		sxy += (x - meanX) * (y - meanY);
	}
	const slope = sxy / sxx;
	const rest = samples.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
	return { slope, error: Math.sqrt(rest / (n - 2) / sxx) };
}
