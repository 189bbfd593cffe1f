/**
 * Training: what judges one machine from now on.
 *
 * In: as `trainPredictor`. Out: from two hours of running on, a predictor with how the sensors go with each other, which decide; from less,
 * networks and levels that vote. On simulated machines relations learnt from three hours of running told faults better than votes without them and than
 * means with them, with fewer false alarms (`bench:simfleet -- --watch own`); two networks less are trained, too.
 */
import type { ModelPackage } from '../contracts';
import { isStopped, learnStopLevels } from '../detection';
import type { Engine } from '../neural/engine';
import { splitSegments, type AlignedRow } from '../manipulation';
import { sensorsToLeaveOut } from './left-out-sensors';
import { neededLevelRows } from './learn-level-watch';
import { flatRows, judgedOf, leastStretch, relationsOf, relationStretches } from './relation-stretches';
import { trainEnsemble, type EnsembleJob } from './train-ensemble';
import { trainPredictor, type TrainingData } from './train-predictor';

/** One sensor says nothing of another's condition, two do not say which of them is wrong. */
const fewestSensors = 3;

/** Trains and calibrates. Rejects as `trainPredictor` does. */
export async function trainDetector(engine: Engine, data: TrainingData, job: EnsembleJob): Promise<ModelPackage> {
	const segments = data.recordings.flatMap((recording) => splitSegments(recording, leastStretch));
	if (!showsRelations(data, segments.flat())) return trainEnsemble(engine, data, job);
	const { version, weights } = await trainPredictor(engine, data, job);
	const stretches = relationStretches(
		segments.map((segment) => flatRows(segment, version.scaler)),
		version.calibration
	);
	// Nearly all of it starting or stopping: the predictor alone judges.
	if (judgedOf(stretches) < neededLevelRows(data.stepMs) / 2) return { version, weights };
	return { version: { ...version, relations: relationsOf(stretches, data.kinds, data.stepMs) }, weights };
}

/** As much running as a machine without a model is watched after, and no sensor of which no regression can be asked. */
function showsRelations({ sensorNames, kinds, stepMs }: TrainingData, rows: readonly AlignedRow[]): boolean {
	if (sensorNames.length < fewestSensors) return false;
	const stoppedBelow = learnStopLevels(
		kinds,
		rows.map(({ values }) => values)
	);
	const running = rows.reduce((count, { values }) => count + (isStopped(stoppedBelow, values) ? 0 : 1), 0);
	return running >= neededLevelRows(stepMs) && sensorsToLeaveOut(sensorNames, rows).length === 0;
}
