/**
 * Storage: trainings that have not ended. In: a job and, after each epoch, all that is needed to go on from there. Out: the same
 * after a reload or a crash. One checkpoint per network is kept, the newest; all go with the job.
 */
import type { CancelOutcome, ModelTrainingKind, UnfinishedModelTraining, UnfinishedTraining } from '../contracts';
import type { DocumentContext } from './documents';
import type { TrainingStore } from './store';

type Unfinished = UnfinishedTraining | UnfinishedModelTraining;

const isOfKind =
	<Kind extends ModelTrainingKind>(kind: Kind) =>
	(training: Unfinished | undefined): training is UnfinishedModelTraining<Kind> =>
		training !== undefined && 'kind' in training && training.kind === kind;
const isDetection = (training: Unfinished | undefined): training is UnfinishedTraining =>
	training !== undefined && !('kind' in training);

export function trainingStore({ database, run }: DocumentContext): TrainingStore {
	const inOrder = async () => (await database.trainings.toArray()).sort((a, b) => a.startedAt - b.startedAt);
	return {
		unfinished: () => run(async () => (await inOrder()).filter(isDetection)),
		unfinishedModels: (kind) => run(async () => (await inOrder()).filter(isOfKind(kind))),
		find: (jobId) => run(async () => [await database.trainings.get(jobId)].find(isDetection)),
		findModel: (kind, jobId) => run(async () => [await database.trainings.get(jobId)].find(isOfKind(kind))),
		put: (training) => run(() => database.trainings.put(training)).then(() => undefined),
		renew: (training) =>
			run(() =>
				database.transaction('rw', database.trainings, async () => {
					const there = await database.trainings.get(training.jobId);
					if (there && !there.saving) await database.trainings.put(training);
				})
			),
		checkpoint: <T>(jobId: string, fit: string) =>
			run(async () => (await database.checkpoints.get([jobId, fit]))?.checkpoint as T | undefined),
		saveCheckpoint: (jobId, fit, checkpoint) =>
			run(() =>
				database.transaction('rw', database.trainings, database.checkpoints, async () => {
					const training = await database.trainings.get(jobId);
					if (!training) return;
					await database.checkpoints.put({ jobId, fit, checkpoint });
					if (training.attempts > 0) await database.trainings.put({ ...training, attempts: 0 });
				})
			),
		remove: (jobId) =>
			run(() =>
				database.transaction('rw', database.trainings, database.checkpoints, async () => {
					await database.trainings.delete(jobId);
					await database.checkpoints.where('jobId').equals(jobId).delete();
				})
			),
		cancel: (jobId) =>
			run(() =>
				database.transaction('rw', database.trainings, database.checkpoints, async (): Promise<CancelOutcome> => {
					const training = await database.trainings.get(jobId);
					if (!training) return 'unknown';
					if (training.saving) return 'saving';
					await database.trainings.delete(jobId);
					await database.checkpoints.where('jobId').equals(jobId).delete();
					return 'cancelled';
				})
			),
		beginSaving: (jobId) =>
			run(() =>
				database.transaction('rw', database.trainings, async () => {
					const training = await database.trainings.get(jobId);
					if (!training) return false;
					await database.trainings.put({ ...training, saving: true });
					return true;
				})
			)
	};
}
