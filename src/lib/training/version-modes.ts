/**
 * Training: the operating modes of a version, and how lively the score is in each.
 *
 * In: a finished version and the rows it was trained and calibrated on. Out: the version with its modes. Runs the product's own pipeline
 * over the rows, whatever family of models the version is of.
 */
import type { LearnedMode, ModelPackage, SensorKind } from '../contracts';
import { learnModes, Predictor } from '../detection';
import type { AlignedRow } from '../manipulation';
import type { Engine } from '../neural/engine';
import { judgeDue, MachinePipeline } from '../pipeline';

/** A mode with fewer judged rows keeps the common threshold. */
const leastRows = 600;
/**
 * Share of normal scores that a mode's level is read at, and how far a quiet mode's threshold may go down: at 0.8 a pump's shipped model
 * raised five false alarms in 80 simulated hours, where it raises none without.
 */
const levelShare = 0.995;
const leastLevel = 0.92;

export function withModes(
	engine: Engine,
	pkg: ModelPackage,
	recordings: readonly (readonly AlignedRow[])[],
	kinds: readonly SensorKind[]
): ModelPackage {
	const { version } = pkg;
	const { modes: _, ...plain } = version;
	const modes = learnModes({
		sensorNames: version.scaler.sensorNames,
		kinds,
		stoppedBelow: version.calibration.stoppedBelow,
		rows: recordings.flatMap((recording) => recording.map(({ values }) => values))
	});
	if (!modes) return { ...pkg, version: plain };
	const scores = scoresByMode(engine, { ...pkg, version: { ...plain, modes } }, recordings);
	const levels = new Map<string, number>();
	for (const [id, values] of scores)
		if (values.length >= leastRows)
			levels.set(id, Float64Array.from(values).sort()[Math.floor(values.length * levelShare)]!);
	const liveliest = Math.max(...levels.values(), 1e-9);
	const judged = modes.modes.map((mode): LearnedMode => {
		const level = levels.get(mode.id);
		return level === undefined
			? mode
			: { ...mode, scoreLevel: Math.round(Math.max(leastLevel, level / liveliest) * 1000) / 1000 };
	});
	return { ...pkg, version: { ...plain, modes: { ...modes, modes: judged } } };
}

function scoresByMode(
	engine: Engine,
	pkg: ModelPackage,
	recordings: readonly (readonly AlignedRow[])[]
): Map<string, number[]> {
	const predictor = new Predictor(engine, pkg, Math.max(1, recordings.length));
	const scores = new Map<string, number[]>();
	try {
		judgeDue(
			predictor,
			recordings.map((rows, i) => ({ pipeline: new MachinePipeline(`${i}`, pkg.version), rows })),
			(_, __, { detected: { modeId, score } }) => {
				if (modeId === undefined || Number.isNaN(score)) return;
				const list = scores.get(modeId);
				if (list) list.push(score);
				else scores.set(modeId, [score]);
			}
		);
	} finally {
		predictor.dispose();
	}
	return scores;
}
