/**
 * Storage: failures and planned work as people recorded them. Documents lie among the settings under their own prefix, machine first, so that
 * they are in every backup already and one machine's are read alone.
 */
import type { FailureRecord, MachineId } from '../contracts';
import type { DocumentContext } from './documents';
import type { FailureRecordStore } from './store';
import { watchQuery } from './watch';

const RECORD = 'failure-record:';

export function failureRecordStore({ database, run, isClosed }: DocumentContext): FailureRecordStore {
	const list = async (machineId?: MachineId): Promise<FailureRecord[]> => {
		const prefix = machineId === undefined ? RECORD : `${RECORD}${machineId}:`;
		const rows = await database.settings.where('key').startsWith(prefix).toArray();
		return rows.map(({ value }) => value as FailureRecord).sort((a, b) => a.at - b.at);
	};
	return {
		list: (machineId) => run(() => list(machineId)),
		put: (record) =>
			run(() => database.settings.put({ key: `${RECORD}${record.machineId}:${record.id}`, value: record })).then(
				() => undefined
			),
		remove: (id) =>
			run(() =>
				database.settings
					.where('key')
					.startsWith(RECORD)
					.filter(({ value }) => (value as FailureRecord).id === id)
					.delete()
			).then(() => undefined),
		watch: (machineId, onChange) => watchQuery(() => list(machineId), onChange, isClosed)
	};
}
