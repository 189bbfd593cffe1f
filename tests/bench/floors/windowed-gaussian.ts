/** Floor for streams: the tail probability of a value under the normal distribution of the last 6,400 values, renewed every 100. */
const windowRows = 6400;
const renewEvery = 100;

export function windowedGaussian(values: readonly number[]): number[] {
	const window: number[] = [];
	let fresh: number[] = [];
	let mean = 0;
	let deviation = 1;
	const renew = () => {
		mean = window.reduce((sum, value) => sum + value, 0) / window.length;
		deviation = Math.sqrt(window.reduce((sum, value) => sum + (value - mean) ** 2, 0) / window.length) || 1e-6;
	};
	return values.map((value) => {
		const score = window.length === 0 ? 0 : 1 - upperTail(Math.abs(value - mean) / deviation);
		if (window.length < windowRows) {
			window.push(value);
			renew();
		} else {
			fresh.push(value);
			if (fresh.length === renewEvery) {
				window.splice(0, renewEvery, ...fresh);
				fresh = [];
				renew();
			}
		}
		return score;
	});
}

/** P(Z > z) for z >= 0: continued fraction far out, power series near (Abramowitz and Stegun 26.2.14 and 26.2.11). */
export function upperTail(z: number): number {
	const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
	if (z > 3) {
		let fraction = z;
		for (let k = 60; k >= 1; k--) fraction = z + k / fraction;
		return density / fraction;
	}
	let term = z;
	let sum = z;
	for (let k = 1; k < 60; k++) {
		term *= (z * z) / (2 * k + 1);
		sum += term;
	}
	return 0.5 - density * sum;
}
