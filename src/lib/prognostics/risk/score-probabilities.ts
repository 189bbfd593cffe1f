/**
 * Prognostics: how good probabilities are. In: probabilities and 0/1 outcomes. Out: Brier score, reliability curve, F1 at a
 * threshold and the threshold that is best for it, area under precision and recall.
 */

export interface ReliabilityBin {
	/** Mean probability said, and share that came true. */
	readonly said: number;
	readonly came: number;
	readonly count: number;
}

/** Mean squared difference (Brier 1950). */
export function brierScore(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
	let sum = 0;
	for (let i = 0; i < probabilities.length; i++) sum += (probabilities[i]! - outcomes[i]!) ** 2;
	return sum / probabilities.length;
}

/** Ten bins of equal width; empty ones are left out. */
export function reliability(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): ReliabilityBin[] {
	const bins = Array.from({ length: 10 }, () => ({ said: 0, came: 0, count: 0 }));
	for (let i = 0; i < probabilities.length; i++) {
		const bin = bins[Math.min(9, Math.floor(probabilities[i]! * 10))]!;
		bin.said += probabilities[i]!;
		bin.came += outcomes[i]!;
		bin.count++;
	}
	return bins
		.filter(({ count }) => count > 0)
		.map(({ said, came, count }) => ({ said: said / count, came: came / count, count }));
}

/** F1 of the positive class where a row counts as positive from `threshold` on. */
export function f1At(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>, threshold: number): number {
	let [hit, wrong, missed] = [0, 0, 0];
	for (let i = 0; i < probabilities.length; i++) {
		if (probabilities[i]! >= threshold) {
			if (outcomes[i] === 1) hit++;
			else wrong++;
		} else if (outcomes[i] === 1) missed++;
	}
	return hit === 0 ? 0 : hit / (hit + (wrong + missed) / 2);
}

/** The threshold with the best F1, among hundredths; the middle of the best where several are as good. */
export function bestF1Threshold(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
	let best = -1;
	let at: number[] = [];
	for (let hundredth = 1; hundredth < 100; hundredth++) {
		const f1 = f1At(probabilities, outcomes, hundredth / 100);
		if (f1 > best + 1e-12) {
			best = f1;
			at = [hundredth / 100];
		} else if (Math.abs(f1 - best) <= 1e-12) at.push(hundredth / 100);
	}
	return at[at.length >> 1]!;
}

/** Average precision: the area under precision over recall, without interpolation. */
export function averagePrecision(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
	const order = Array.from({ length: probabilities.length }, (_, i) => i).sort(
		(a, b) => probabilities[b]! - probabilities[a]!
	);
	let [hits, area, positives] = [0, 0, 0];
	for (let i = 0; i < outcomes.length; i++) positives += outcomes[i]!;
	for (let i = 0; i < order.length;) {
		let j = i;
		let tied = 0;
		while (j < order.length && probabilities[order[j]!] === probabilities[order[i]!]) tied += outcomes[order[j++]!]!;
		hits += tied;
		area += (tied / positives) * (hits / j);
		i = j;
	}
	return area;
}
