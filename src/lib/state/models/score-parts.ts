/**
 * State: what a version's score is made of, in words: each statistic, how long it looks, where its threshold lies.
 *
 * In: a version. Out: rows for a table. The score is the largest of them over its threshold, or the members' vote.
 */
import { relationRows, type ModelVersion, type OwnLevelCalibration } from '$lib/contracts';
import { sensorLabel } from '$lib/words';
import { memberWords } from './model-words';

export interface ScorePart {
	readonly id: string;
	readonly what: string;
	/** Time that a change takes to show. */
	readonly overMs: number;
	/** In normal deviations. */
	readonly threshold: number;
	/** Say in the vote; undefined: it decides by itself. */
	readonly weight?: number;
}

export function scoreParts({ ensemble, relations, calibration, scaler, stepMs }: ModelVersion): ScorePart[] {
	if (relations)
		return scaler.sensorNames.map((name, i) => ({
			id: `relation-${name}`,
			what: `${sensorLabel(name)}, by the other sensors`,
			overMs: relationRows * stepMs,
			threshold: relations.threshold[i]!
		}));
	if (ensemble)
		return ensemble.members.flatMap(({ name, weight, watch }) =>
			watch.windows.map((rows, w) => ({
				id: `${name}-${rows}`,
				what: `${memberWords[name]}: mean against its level, all sensors together`,
				overMs: rows * stepMs,
				threshold: watch.thresholds[w]!,
				weight
			}))
		);
	const statistics = calibration.statistics ?? [
		{ kind: 'energy' as const, smoothing: calibration.smoothing, threshold: calibration.threshold }
	];
	const against = statistics.map(({ kind, smoothing, threshold }, k) => ({
		id: `class-${k}`,
		what: kind === 'bias' ? 'Residual off, against its class' : 'Residual unsteady, against its class',
		overMs: stepMs / smoothing,
		threshold
	}));
	const { ownLevel, ownValues } = calibration;
	return [
		...against,
		...ownParts('own', 'Residual against its own level', ownLevel, stepMs),
		...ownParts('others', 'Value by the other sensors, against its own level', ownValues, stepMs)
	];
}

function ownParts(id: string, what: string, own: OwnLevelCalibration | undefined, stepMs: number): ScorePart[] {
	return (own?.statistics ?? []).map(({ smoothing, threshold, covariance }, k) => ({
		id: `${id}-${k}`,
		what: `${what}, ${covariance ? 'all sensors together' : 'each sensor by itself'}`,
		overMs: stepMs / smoothing,
		threshold
	}));
}
