/**
 * State Detection: verdicts conditioned on the operating mode.
 *
 * In: a detected state and its row. Out: the same with the mode it was in; without a score in a mode that training never showed, which is
 * news but no fault, and for a while after it.
 */
import type { DetectedState, JudgingBasis } from '../../contracts';
import type { OperatingMode } from './operating-mode';
import { ModeTracker } from './mode-tracker';

/** Rows after a new mode before residuals, which still remember it, are judged again. */
export const settleAfterNewRows = 90;

export class ModeConditioning {
	private readonly tracker: ModeTracker | undefined;
	private lastJudged: DetectedState | undefined;
	private rowsSinceNew = Number.POSITIVE_INFINITY;

	constructor(version: Pick<JudgingBasis, 'modes' | 'scaler'>) {
		const { modes, scaler } = version;
		const known = modes?.sensorNames.every((name) => scaler.sensorNames.includes(name)) ?? false;
		this.tracker = modes && known ? new ModeTracker(modes, scaler.sensorNames) : undefined;
	}

	/** After a gap. */
	reset(): void {
		this.tracker?.reset();
		this.lastJudged = undefined;
		this.rowsSinceNew = Number.POSITIVE_INFINITY;
	}

	/** `own`: the row, own units. `unwell`: an anomaly is open. */
	apply(state: DetectedState, own: ArrayLike<number>, unwell: boolean): DetectedState {
		if (!this.tracker) return state;
		const modeId = this.tracker.observe(own, state.mode as OperatingMode, unwell);
		if (modeId === 'new') {
			this.rowsSinceNew = 0;
			return withoutScore(state, 'new-mode', modeId);
		}
		this.rowsSinceNew++;
		if (state.unscored !== undefined || Number.isNaN(state.score)) return { ...state, modeId };
		if (this.rowsSinceNew <= settleAfterNewRows) return withoutScore(state, 'warming-up', modeId);
		// On the way to what may be a new mode the last verdict in a known one stands.
		if (this.tracker.pending && this.lastJudged) {
			const { score, anomalous, deviations } = this.lastJudged;
			return { ...state, score, anomalous, deviations, mode: 'changing' };
		}
		const judged = { ...state, modeId };
		if (this.tracker.known && state.mode === 'running') this.lastJudged = judged;
		return judged;
	}
}

function withoutScore(
	state: DetectedState,
	unscored: NonNullable<DetectedState['unscored']>,
	modeId: string | undefined
): DetectedState {
	return { ...state, score: Number.NaN, anomalous: false, unscored, deviations: [], modeId };
}
