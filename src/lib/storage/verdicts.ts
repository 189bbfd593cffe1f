/** Storage: what people said of anomalies, a row per event. In and out: verdicts as they cross the contracts. */
import type { AnomalyVerdict, MachineId } from '../contracts';
import type { DocumentContext } from './documents';
import type { VerdictStore } from './store';
import { watchQuery } from './watch';

export function verdictStore({ database, run, isClosed }: DocumentContext): VerdictStore {
	const list = async ({ machineId }: { machineId?: MachineId } = {}): Promise<AnomalyVerdict[]> => {
		const found =
			machineId === undefined
				? await database.verdicts.toArray()
				: await database.verdicts.where('machineId').equals(machineId).toArray();
		return found.sort((a, b) => b.start - a.start);
	};
	return {
		list: (query) => run(() => list(query)),
		update: (id, change) =>
			run(() =>
				database.transaction('rw', database.verdicts, async () => {
					const next = change(await database.verdicts.get(id));
					if (next) await database.verdicts.put(next);
					else await database.verdicts.delete(id);
					return next;
				})
			),
		watch: (query, onChange) => watchQuery(() => list(query), onChange, isClosed)
	};
}
