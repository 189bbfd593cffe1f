/**
 * Storage: waveforms, in a database of their own beside the workspace's.
 *
 * In: waveforms as they come. Out: what there is per machine and channel, and single ones. Bounded: a channel keeps its newest densely and
 * thins out what is older, so that a waterfall reaches far back in little room. Its own database, because raw samples are large,
 * can be done without, and would make every backup of the workspace as large; features of them are ordinary series and stay.
 */
import Dexie, { type Table } from 'dexie';
import type { EpochMs, MachineId, Waveform, WaveformEntry, WorkspaceName } from '../contracts';
import { databaseName, run } from './database';

/** A channel holds at most this many; beyond, every second one of the older half goes. */
export const waveformsPerChannel = 240;

interface WaveformRow extends Waveform {
	/** What a person said it shows. */
	readonly condition?: string;
}

export interface WaveformStore {
	put(waveforms: readonly Waveform[]): Promise<void>;
	/** What there is of a machine, by channel and then time; without the samples. */
	list(machineId: MachineId): Promise<WaveformEntry[]>;
	/** The one at `time`, or the newest; undefined when there is none. */
	load(machineId: MachineId, channel: string, time?: EpochMs): Promise<Waveform | undefined>;
	/** Says what a waveform shows ("healthy", "outer race"); undefined takes it back. */
	setCondition(machineId: MachineId, channel: string, time: EpochMs, condition: string | undefined): Promise<void>;
	/** All that have a condition, of all machines. */
	withCondition(): Promise<(Waveform & { readonly condition: string })[]>;
	deleteMachine(machineId: MachineId): Promise<void>;
	close(): void;
	destroy(): Promise<void>;
}

class WaveformDatabase extends Dexie {
	declare readonly waveforms: Table<WaveformRow, [string, string, number]>;
	constructor(workspace: WorkspaceName) {
		super(`${databaseName(workspace)}-waveforms`, { cache: 'disabled' });
		this.version(1).stores({ waveforms: '[machineId+channel+time], machineId, condition' });
	}
}

/** The database is made at the first use: a plant without waveforms has none. */
export function waveformStore(workspace: WorkspaceName, isClosed: () => boolean): WaveformStore {
	const database = new WaveformDatabase(workspace);
	const attempt = <T>(work: () => PromiseLike<T>) => run(database as never, isClosed, work);
	const ofChannel = (machineId: MachineId, channel: string) =>
		database.waveforms
			.where('[machineId+channel+time]')
			.between([machineId, channel, Dexie.minKey], [machineId, channel, Dexie.maxKey]);

	async function thin(machineId: MachineId, channel: string): Promise<void> {
		const keys = await ofChannel(machineId, channel).primaryKeys();
		if (keys.length <= waveformsPerChannel) return;
		const older = keys.slice(0, keys.length >> 1);
		const kept = await database.waveforms
			.where('condition')
			.above('')
			.and((row) => row.machineId === machineId && row.channel === channel)
			.primaryKeys();
		const labelled = new Set(kept.map(([, , time]) => time));
		await database.waveforms.bulkDelete(older.filter(([, , time], i) => i % 2 === 1 && !labelled.has(time)));
	}

	return {
		put: (waveforms) =>
			attempt(() =>
				database.transaction('rw', database.waveforms, async () => {
					await database.waveforms.bulkPut([...waveforms]);
					const channels = new Map(waveforms.map((one) => [`${one.machineId}:${one.channel}`, one]));
					for (const { machineId, channel } of channels.values()) await thin(machineId, channel);
				})
			),
		list: (machineId) =>
			attempt(async () => {
				const entries: WaveformEntry[] = [];
				await database.waveforms
					.where('machineId')
					.equals(machineId)
					.each(({ channel, time, sampleRateHz, unit, shaftRpm, samples, condition }) =>
						entries.push({ channel, time, sampleRateHz, unit, shaftRpm, samples: samples.length, condition })
					);
				return entries.sort((a, b) => (a.channel === b.channel ? a.time - b.time : a.channel < b.channel ? -1 : 1));
			}),
		load: (machineId, channel, time) =>
			attempt(() =>
				time === undefined ? ofChannel(machineId, channel).last() : database.waveforms.get([machineId, channel, time])
			),
		setCondition: (machineId, channel, time, condition) =>
			attempt(() =>
				database.transaction('rw', database.waveforms, async () => {
					const row = await database.waveforms.get([machineId, channel, time]);
					if (!row) return;
					const { condition: _before, ...rest } = row;
					await database.waveforms.put(condition === undefined ? rest : { ...rest, condition });
				})
			),
		withCondition: () =>
			attempt(
				() =>
					database.waveforms.where('condition').above('').toArray() as PromiseLike<(Waveform & { condition: string })[]>
			),
		deleteMachine: (machineId) =>
			attempt(() => database.waveforms.where('machineId').equals(machineId).delete()).then(() => undefined),
		close: () => database.close({ disableAutoOpen: true }),
		destroy: () => database.delete({ disableAutoOpen: true })
	};
}
