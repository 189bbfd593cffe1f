/**
 * Prognostics Assessment: how long until the event.
 *
 * In: health reports. Out: a `Prognosis`. No method that has been measured is here yet, so it says so and gives no number.
 */
import type { HealthReport, Prognosis } from '../contracts';

export function prognose(report: HealthReport): Prognosis {
	return {
		machineId: report.machineId,
		time: report.time,
		method: 'none',
		missing: 'No run to failure of this kind of machine has been learnt from, so no remaining life can be given'
	};
}
