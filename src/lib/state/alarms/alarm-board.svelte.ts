/**
 * State: the ISA-18.2 alarm list. Open alarms first, then what was raised in the last seven days.
 *
 * In: the stored alarms, watched. Out: lists by state, machine and priority, the list's figures, and acknowledging.
 */
import {
	acknowledgeAlarm,
	canAcknowledge,
	isOpen,
	toPlainError,
	type Alarm,
	type AlarmPriority,
	type AlarmState,
	type EpochMs,
	type MachineId,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

const historyMs = 7 * 24 * 3_600_000;
const historyLimit = 2_000;
const priorityRank: Record<AlarmPriority, number> = { high: 0, medium: 1, low: 2 };

export interface AlarmFilter {
	priority: AlarmPriority | 'all';
	state: AlarmState | 'all';
	machineId: MachineId | 'all';
}

/** Unseen before seen, then by priority, then newest first: what needs a person stands on top. */
export function compareAlarms(a: Alarm, b: Alarm): number {
	return (
		Number(canAcknowledge(b)) - Number(canAcknowledge(a)) ||
		priorityRank[a.priority] - priorityRank[b.priority] ||
		b.raisedAt - a.raisedAt
	);
}

export class AlarmBoard {
	alarms = $state.raw<readonly Alarm[]>([]);
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);
	/** Since when live machines are known: before that there could be no alarm of theirs. */
	observedSince = $state<EpochMs | undefined>(undefined);
	/** Machines known only from a recording, with the recording's end: their alarms are of that time, not of now. */
	recordings = $state.raw<ReadonlyMap<MachineId, EpochMs>>(new Map());
	filter = $state<AlarmFilter>({ priority: 'all', state: 'all', machineId: 'all' });

	readonly filtered = $derived(
		this.filter.priority !== 'all' || this.filter.state !== 'all' || this.filter.machineId !== 'all'
	);
	readonly shown = $derived(this.alarms.filter((alarm) => this.#passes(alarm)));
	readonly open = $derived(this.shown.filter(isOpen).sort(compareAlarms));
	readonly closed = $derived(this.shown.filter((alarm) => !isOpen(alarm)).sort((a, b) => b.raisedAt - a.raisedAt));
	readonly unseen = $derived(this.open.filter(canAcknowledge));
	/** What counts for the rates: alarms of live machines. */
	readonly live = $derived(this.alarms.filter((alarm) => !this.recordings.has(alarm.machineId)));
	readonly machineIds = $derived([...new Set(this.alarms.map((alarm) => alarm.machineId))].sort());

	#store: Store | undefined;

	/** Follows the stored alarms; returns what ends it. */
	attach(store: Store, now: () => EpochMs): () => void {
		this.#store = store;
		this.loading = true;
		let wanted = 0;
		let ended = false;
		let open: readonly Alarm[] = [];
		const reload = async () => {
			const turn = ++wanted;
			try {
				const lists = await Promise.all([
					store.alarms.list({ from: now() - historyMs, limit: historyLimit }),
					...[...this.recordings.keys()].map((machineId) => store.alarms.list({ machineId, limit: historyLimit }))
				]);
				if (ended || turn !== wanted) return;
				// Open alarms may be older than the history shown, and a listing may be one change behind the watch.
				const byId = new Map(lists.flat().map((alarm) => [alarm.id, alarm]));
				for (const alarm of open) byId.set(alarm.id, alarm);
				this.alarms = [...byId.values()];
				this.problem = undefined;
			} catch (error) {
				if (ended || turn !== wanted) return;
				this.problem = toPlainError(error);
			}
			this.loading = false;
		};
		const unwatchAlarms = store.alarms.watch((alarms) => {
			open = alarms;
			void reload();
		});
		let known = '';
		const unwatchRegistry = store.registry.watch((machines) => {
			const seen = machines.filter((machine) => machine.origin !== 'import').map((machine) => machine.firstSeen);
			this.observedSince = seen.length > 0 ? Math.min(...seen) : undefined;
			const ids = machines.filter((machine) => machine.origin === 'import').map((machine) => machine.id);
			if (ids.join('\n') === known) return;
			known = ids.join('\n');
			void readEnds(store, ids).then((ends) => {
				if (ended) return;
				this.recordings = ends;
				void reload();
			});
		});
		return () => {
			ended = true;
			unwatchAlarms();
			unwatchRegistry();
			this.#store = undefined;
		};
	}

	/** Acknowledges each in its own transaction: one that fails keeps no other from being acknowledged. */
	async acknowledge(ids: readonly string[], by: string, at: EpochMs): Promise<void> {
		const store = this.#store;
		if (!store) return;
		const outcomes = await Promise.allSettled(
			ids.map((id) => store.alarms.update(id, (alarm) => alarm && acknowledgeAlarm(alarm, by, at)))
		);
		const failed = outcomes.find((outcome) => outcome.status === 'rejected');
		this.problem = failed ? toPlainError(failed.reason) : undefined;
	}

	#passes(alarm: Alarm): boolean {
		const { priority, state, machineId } = this.filter;
		return (
			(priority === 'all' || alarm.priority === priority) &&
			(state === 'all' || alarm.state === state) &&
			(machineId === 'all' || alarm.machineId === machineId)
		);
	}
}

/** Time of the last stored reading of each machine; a machine without one is left out. */
async function readEnds(store: Store, machineIds: readonly MachineId[]): Promise<Map<MachineId, EpochMs>> {
	const extents = await Promise.all(
		machineIds.map(async (id) => [id, (await store.series.extent(id).catch(() => undefined))?.to] as const)
	);
	return new Map(extents.filter((entry): entry is [MachineId, EpochMs] => entry[1] !== undefined));
}
