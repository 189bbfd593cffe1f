/**
 * State Detection: has the level of a quantity moved, either way.
 *
 * In: values one by one, against a baseline learnt from the first ones. Out: whether and since when. Page-Hinkley test in both
 * directions (Page, Biometrika 41, 1954; Hinkley, Biometrika 58, 1971), in units of the baseline's deviation.
 */

/** A movement smaller than this many deviations is allowed for. */
export const allowance = 1;
/** Accumulated deviations at which the test says so. */
export const decision = 20;

export interface TwoSidedState {
	/** Baseline. */
	count: number;
	mean: number;
	squares: number;
	/** Page-Hinkley sums, never below 0, and the number of values since each left 0. */
	up: number;
	down: number;
	upLength: number;
	downLength: number;
}

export function newTwoSided(): TwoSidedState {
	return { count: 0, mean: 0, squares: 0, up: 0, down: 0, upLength: 0, downLength: 0 };
}

/** The level has come back: what was gathered against it is forgotten. */
export function settle(state: TwoSidedState): void {
	state.up = state.down = state.upLength = state.downLength = 0;
}

/** Standard deviation of the baseline, at least `floor`. */
export function deviationOf(state: TwoSidedState, floor: number): number {
	return Math.max(floor, Math.sqrt(state.squares / Math.max(1, state.count - 1)));
}

/**
 * Takes one value. The first `baseline` ones are learnt from; then gives how many values ago the level began to move, 0 while it has
 * not. `floor`: smallest deviation that counts as one.
 */
export function observe(state: TwoSidedState, value: number, baseline: number, floor: number): number {
	if (state.count < baseline) {
		// Welford's update.
		state.count++;
		const before = value - state.mean;
		state.mean += before / state.count;
		state.squares += before * (value - state.mean);
		return 0;
	}
	// One wild block must not decide alone.
	const z = Math.max(-4, Math.min(4, (value - state.mean) / deviationOf(state, floor)));
	state.up = Math.max(0, state.up + z - allowance);
	state.down = Math.max(0, state.down - z - allowance);
	state.upLength = state.up > 0 ? state.upLength + 1 : 0;
	state.downLength = state.down > 0 ? state.downLength + 1 : 0;
	// What has moved may move back: sums far above the decision would take as long to fall again.
	state.up = Math.min(state.up, 2 * decision);
	state.down = Math.min(state.down, 2 * decision);
	if (state.up >= decision) return state.upLength;
	return state.down >= decision ? state.downLength : 0;
}
