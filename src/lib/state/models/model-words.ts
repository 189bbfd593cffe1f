/**
 * State, pure: a model version in words: what it learnt, beside the floor that any model has to beat.
 */
import { formatCount } from '$lib/words';
import type { MemberName, ModelVersion, PlainError, TrainingMetrics, TrainingProgress } from '$lib/contracts';

/** How many times smaller the model's error is than that of "same as before"; undefined when it cannot be told. */
export function timesBetter(metrics: Pick<TrainingMetrics, 'validationLoss' | 'persistenceLoss'>): number | undefined {
	const { validationLoss, persistenceLoss } = metrics;
	if (!(persistenceLoss >= 0) || !(validationLoss > 0) || !Number.isFinite(persistenceLoss)) return undefined;
	return persistenceLoss / validationLoss;
}

export interface QualityWords {
	readonly tone: 'good' | 'fair' | 'poor';
	readonly sentence: string;
}

/** Squared errors on data the model never saw, in words; what to do about a bad one depends on where it comes from. */
export function qualityWords(
	version: Pick<ModelVersion, 'origin' | 'relations'> & {
		metrics: Pick<TrainingMetrics, 'validationLoss' | 'persistenceLoss'>;
	}
): QualityWords {
	const ratio = timesBetter(version.metrics);
	if (ratio === undefined) return { tone: 'poor', sentence: 'How well it predicts could not be measured.' };
	if (ratio >= 1.1) return { tone: 'good', sentence: `Predicts ${ratio.toFixed(1)}x better than "same as before".` };
	if (ratio > 0.9) return { tone: 'fair', sentence: 'Predicts the next reading about as well as "same as before".' };
	const worse = `Predicts the next reading worse than "same as before" (error ${(1 / ratio).toFixed(1)}x as large).`;
	if (version.relations)
		return { tone: 'fair', sentence: `${worse} Findings do not rest on that: each sensor is judged by the others.` };
	return version.origin === 'shipped'
		? { tone: 'fair', sentence: `${worse} Its card says which faults it was measured to find.` }
		: { tone: 'poor', sentence: `${worse} Train it again, on a longer stretch of normal running.` };
}

/** The network of a version, input side first. */
export function networkWords({ units, layers }: ModelVersion['spec']): string {
	if (!layers) return `LSTM ${units.join(' + ')} units`;
	return layers.map(({ kind, units: size }) => `${kind === 'dense' ? 'Dense' : kind.toUpperCase()} ${size}`).join(', ');
}

/** Members of a vote, as shown. */
export const memberWords: Readonly<Record<MemberName, string>> = {
	levels: 'levels',
	predictor: 'predictor',
	autoencoder: 'autoencoder',
	vae: 'variational autoencoder'
};

export const originWords: Readonly<Record<ModelVersion['origin'], string>> = {
	shipped: 'Came with Millwright',
	'trained-here': 'Trained on this device',
	imported: 'Imported'
};

/** Whom a version is for, as shown. */
export function targetName(version: Pick<ModelVersion, 'target'>): string {
	return 'machineId' in version.target ? version.target.machineId : version.target.machineClass.replaceAll('-', ' ');
}

/** True when a version may be used for a machine: trained for it, or shipped for its class. */
export function fitsMachine(
	version: Pick<ModelVersion, 'target'>,
	machine: { readonly id: string; readonly machineClass?: string }
): boolean {
	if ('machineId' in version.target) return version.target.machineId === machine.id;
	return version.target.machineClass === machine.machineClass;
}

/** The version a machine uses: its assignment, else the newest shipped one of its class. */
export function versionInUse(
	machine: { readonly id: string; readonly machineClass?: string },
	versions: readonly ModelVersion[],
	assignments: ReadonlyMap<string, string>
): ModelVersion | undefined {
	const assigned = assignments.get(machine.id);
	if (assigned !== undefined) return versions.find((version) => version.id === assigned);
	return versions
		.filter((version) => version.origin === 'shipped' && fitsMachine(version, machine))
		.sort((a, b) => b.createdAt - a.createdAt)[0];
}

/** What became of a training that was interrupted, in words; undefined while it goes on as it began. */
export function resumedWords(
	interruption: 'reload' | 'crash' | undefined,
	progress: Pick<TrainingProgress, 'phase' | 'resumedAtEpoch' | 'maxEpochs'> | undefined
): string | undefined {
	const why =
		interruption === 'reload'
			? 'the page was left'
			: interruption === 'crash'
				? 'its worker stopped'
				: 'the graphics device was lost';
	if (progress?.resumedAtEpoch !== undefined)
		return `Resumed at epoch ${progress.resumedAtEpoch} of ${progress.maxEpochs}, after ${why}.`;
	if (!interruption) return undefined;
	return progress === undefined || progress.phase === 'loading'
		? `Taken up again, after ${why}.`
		: `Begun again, after ${why}: no epoch of this data had been finished.`;
}

/** The same of a training that is kept piece by piece. */
export function takenUpWords(interruption: 'reload' | 'crash' | undefined): string | undefined {
	if (!interruption) return undefined;
	const why = interruption === 'reload' ? 'the page was left' : 'its worker stopped';
	return `Resumed after ${why}: what had been learnt by then was kept.`;
}

/** What ends a training of that kind, and what does not. */
export function keptNote(progress: { readonly notKept?: boolean } | undefined): string {
	return progress?.notKept
		? 'No room to keep how far it has got: closing this tab ends it.'
		: 'It goes on while you look at other screens, and after a reload.';
}

/** What a training runs on, in words. */
export function runsOnWords({
	backend,
	workers,
	sharesMemory
}: Pick<TrainingProgress, 'backend' | 'workers' | 'sharesMemory'>): string {
	if (backend === undefined) return '–';
	const name = backend === 'webgpu' ? 'the graphics device' : backend === 'wasm' ? 'WebAssembly' : 'plain JavaScript';
	if (backend === 'webgpu' || workers === undefined) return name;
	if (workers === 1) return `${name}, one core`;
	return `${name}, ${workers} cores${sharesMemory ? ' sharing memory' : ''}`;
}

/** What follows "The span holds" or "About". */
export function tooFewRowsWords(rows: number, minimum: number): string {
	const missing = Math.max(0, minimum - rows);
	return `${formatCount(rows, 'row')}; at least ${minimum} are needed, so ${missing} ${missing === 1 ? 'is' : 'are'} missing.`;
}

/** Why a training failed and what to do, in words. */
export function trainingFailureWords(problem: PlainError): { headline: string; sentence: string; remedy: string } {
	const rows = problem.details?.['rows'];
	const minimum = problem.details?.['minimumRows'];
	switch (problem.code) {
		case 'not-enough-data':
			return {
				headline: 'Not enough data',
				sentence:
					typeof rows === 'number' && typeof minimum === 'number'
						? `The span holds ${tooFewRowsWords(rows, minimum)}`
						: problem.message,
				remedy: 'Choose a longer span, or let the machine run normally for a while and come back.'
			};
		case 'storage-quota':
			return {
				headline: 'No room to save the model',
				sentence: 'The model was trained, but this device has no room left to keep it.',
				remedy: 'Free room under Data, then train again.'
			};
		case 'worker-crashed':
		case 'device-lost':
		case 'backend-unavailable':
			return {
				headline: 'The training stopped',
				sentence: `The browser ended the calculation: ${problem.message}`,
				remedy: 'Close other heavy tabs and start it again. The version in use has not changed.'
			};
		default:
			return {
				headline: 'The training failed',
				sentence: problem.message,
				remedy: 'The version in use has not changed. Try another span or other sensors.'
			};
	}
}
