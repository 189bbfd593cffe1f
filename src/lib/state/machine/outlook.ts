/**
 * State: which prognosis tells a machine's future where several do. In: what promoted models say of it now, and its health. Out: one of them.
 */
import type { Prognosis } from '$lib/contracts';

/**
 * Of promoted models the one that finds a failure within a week likelier: what a person put in use is not silenced by the other. A model that
 * only knows the present tells least probabilities, which hide nothing that health tells.
 */
export function outlookOf(
	life: Prognosis | undefined,
	risk: Prognosis | undefined,
	health: Prognosis | undefined
): Prognosis | undefined {
	const promoted = life && risk ? (weekOf(risk) > weekOf(life) ? risk : life) : (life ?? risk);
	if (!promoted) return health;
	return promoted.tellsUpToHours === 0 && health && weekOf(health) > weekOf(promoted) ? health : promoted;
}

/** Reached its limit: as good as certain. */
function weekOf({ eventProbability, rulHours }: Prognosis): number {
	return eventProbability?.within7d ?? (rulHours?.median === 0 ? 1 : 0);
}
