/**
 * Storage: from schema version 1 (uncompressed blocks of one sensor) to the present one.
 *
 * In: the upgrade transaction. Out: every block as a journal record of its sensor's series; the next seal makes segments of them.
 */
import type { Transaction } from 'dexie';
import { splitSensorId } from '../contracts';
import { encodeJournal } from './journal';

interface BlockV1 {
	id: number;
	sensorId: string;
	times: Float64Array;
	values: Float64Array;
}

export async function migrateBlocks(transaction: Transaction): Promise<void> {
	const machines = new Map<string, number>();
	const series = new Map<string, number>();
	const seen = new Map<number, Set<number>>();
	let seq = 0;
	const keys = (await transaction.table('blocks').toCollection().primaryKeys()) as number[];
	for (const key of keys) {
		const block = (await transaction.table('blocks').get(key)) as BlockV1;
		const { machineId } = splitSensorId(block.sensorId);
		let machine = machines.get(machineId);
		if (machine === undefined) {
			machine = machines.size + 1;
			await transaction.table('assets').add({ id: machineId, key: machine });
			machines.set(machineId, machine);
		}
		let id = series.get(block.sensorId);
		if (id === undefined) {
			id = series.size + 1;
			await transaction.table('series').add({ id: block.sensorId, key: id, machine });
			series.set(block.sensorId, id);
			seen.set(id, new Set());
		}
		const known = seen.get(id)!;
		const rows = [...block.times.keys()]
			.sort((a, b) => block.times[a]! - block.times[b]!)
			.filter((row) => {
				const time = block.times[row]!;
				if (!Number.isFinite(time) || known.has(time)) return false;
				known.add(time);
				return true;
			});
		if (rows.length === 0) continue;
		const data = encodeJournal(
			Uint32Array.of(id),
			Uint32Array.of(rows.length),
			Float64Array.from(rows, (row) => block.times[row]!),
			Float64Array.from(rows, (row) => block.values[row]!),
			new Uint8Array(rows.length)
		);
		await transaction.table('journal').add({ seq: ++seq, at: 0, data });
	}
	await transaction.table('state').put({ key: 'numbers', assets: machines.size, series: series.size });
	await transaction.table('state').put({ key: 'journal', seq, sealed: 0, epoch: 0, serial: 0 });
}
