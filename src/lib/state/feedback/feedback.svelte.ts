/**
 * State: anomalies and what people said of them, of one machine or of the workspace.
 *
 * In: stored alarms, spans and verdicts, watched. Out: judged events; giving a verdict, editing it, taking it back. Everything is
 * written to this device at once, so it works without a network.
 */
import {
	addEntry,
	toPlainError,
	type Alarm,
	type AnomalyEvent,
	type AnomalySpan,
	type AnomalyVerdict,
	type EpochMs,
	type MachineId,
	type PlainError,
	type VerdictEntry
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { judgedEvents, verdictOf, type JudgedEvent } from '../machine/anomaly-events';
import { groupBy } from '../plant/group-by';
import { person } from './person.svelte';

/** Anomalies this far back are listed; what was judged is listed for good. */
const historyMs = 90 * 24 * 3_600_000;

export class FeedbackBook {
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);
	#alarms = $state.raw<readonly Alarm[]>([]);
	#spans = $state.raw<readonly AnomalySpan[]>([]);
	#verdicts = $state.raw<readonly AnomalyVerdict[]>([]);
	#store: Store | undefined;

	readonly events: readonly JudgedEvent[] = $derived(judgedEvents(this.#alarms, this.#spans, this.#verdicts));
	readonly #byMachine = $derived(groupBy(this.#verdicts, ({ machineId }) => machineId));

	/** Follows storage; `machineId` narrows it to one machine, `verdictsOnly` leaves `events` empty. Returns what ends it. */
	attach(
		store: Store,
		now: () => EpochMs,
		{ machineId, verdictsOnly = false }: { machineId?: MachineId; verdictsOnly?: boolean } = {}
	): () => void {
		this.#store = store;
		this.loading = true;
		let ended = false;
		let turn = 0;
		const from = now() - historyMs;
		const reload = async () => {
			const mine = ++turn;
			try {
				const of = machineId === undefined ? {} : { machineId };
				const [alarms, spans] = await Promise.all([
					store.alarms.list({ ...of, from }),
					store.spans.list({ ...of, from, to: Infinity })
				]);
				if (ended || mine !== turn) return;
				this.#alarms = alarms;
				this.#spans = spans;
				this.problem = undefined;
			} catch (error) {
				if (ended || mine !== turn) return;
				this.problem = toPlainError(error);
			}
			this.loading = false;
		};
		const stops = [
			store.verdicts.watch(machineId === undefined ? {} : { machineId }, (verdicts) => (this.#verdicts = verdicts))
		];
		if (!verdictsOnly) stops.push(store.alarms.watch(() => void reload()));
		if (!verdictsOnly && machineId !== undefined)
			stops.push(store.spans.watch({ machineId, from, to: Infinity }, () => void reload()));
		return () => {
			ended = true;
			stops.forEach((stop) => stop());
			this.#store = undefined;
		};
	}

	verdictOf(event: AnomalyEvent): AnomalyVerdict | undefined {
		return verdictOf(event, this.#byMachine.get(event.machineId) ?? []);
	}

	/** Says what the event turned out to be; a second time changes it. */
	async judge(event: AnomalyEvent, entry: Pick<VerdictEntry, 'outcome' | 'cause' | 'note'>): Promise<void> {
		await this.#add(event, entry);
	}

	/** Takes the last thing said of the event back. */
	async undo(event: AnomalyEvent): Promise<void> {
		await this.#add(event, { undo: true });
	}

	async #add(event: AnomalyEvent, entry: Omit<VerdictEntry, 'at' | 'by'>): Promise<void> {
		const store = this.#store;
		if (!store) return;
		try {
			const id = this.verdictOf(event)?.id ?? event.id;
			const plain = $state.snapshot(event) as AnomalyEvent;
			await store.verdicts.update(id, (stored) =>
				addEntry(stored, plain, { ...entry, at: Date.now(), by: person.signature })
			);
			this.problem = undefined;
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}
}
