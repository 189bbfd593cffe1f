/**
 * Inference: one alarm a machine where a failure is expected, whoever expects it. In: what promoted models and known failures of its kind say of
 * it, and the alarm that stands. Out: the alarm, raised, told anew, ended.
 *
 * Alarms stand over a reload: until everybody who may speak of a machine has been heard again, silence ends none. Nor does it later: only
 * an alarm of which nobody is left to speak ends by itself.
 */
import type { Alarm, EpochMs, MachineId, MachineRecord } from '../../contracts';
import {
	adviseFailure,
	isActive,
	isCalm,
	statementOfKnownFailures,
	type AlarmChange,
	type FailureStatement
} from '../../advisory';
import type { Store } from '../../storage/store';
import type { MachineEntry } from './machine-entry';

/** Who may speak of a machine, beside known failures. */
export interface FailureSource {
	speaksOf(machineId: MachineId): boolean;
	statement(machineId: MachineId): Promise<FailureStatement | undefined>;
}

interface AdviserPorts {
	readonly store: Store;
	readonly now: () => EpochMs;
	readonly machine: (id: MachineId) => MachineEntry | undefined;
	/** Stores what was changed before; rejects while storage does. */
	readonly flush: () => Promise<void>;
	readonly change: (change: AlarmChange) => Promise<void>;
}

/** Alarms that stand are looked at again so often: who spoke of a machine may have left without a word. */
const reviewEveryMs = 30_000;

export class FailureAdviser {
	/** Machines whose alarm stands, as far as is known. */
	private readonly standing = new Set<MachineId>();
	/** One after the other: two at once would raise an alarm each. */
	private turn: Promise<void> = Promise.resolve();
	private reviewAt: EpochMs = -Infinity;

	constructor(
		private readonly ports: AdviserPorts,
		private readonly sources: readonly FailureSource[]
	) {}

	/** Call as often as you like: looks where the machine's own prognosis has changed. Most say nothing of a failure and need no look at storage. */
	hear(entry: MachineEntry): void {
		const { record, prognosis, advisedOn } = entry;
		if (!prognosis || prognosis === advisedOn) return;
		entry.advisedOn = prognosis;
		if (isCalm(prognosis) && !this.standing.has(record.id)) return;
		void this.advise(record).then((done) => {
			if (!done) entry.advisedOn = undefined;
		});
	}

	/** What a model says of the machine has changed. False: storage has refused. A recording is past: nobody can act on what it foretold. */
	advise({ id, origin }: Pick<MachineRecord, 'id' | 'origin'>): Promise<boolean> {
		if (origin === 'import') return Promise.resolve(true);
		return this.inTurn(async () => {
			const open = await this.ports.store.alarms.open();
			await this.look(
				id,
				open.find((alarm) => alarm.machineId === id && isExpected(alarm))
			);
		});
	}

	/** Looks at all alarms that stand. */
	review(): void {
		const { now, store } = this.ports;
		this.reviewAt = now() + reviewEveryMs;
		void this.inTurn(async () => {
			for (const alarm of (await store.alarms.open()).filter(isExpected)) await this.look(alarm.machineId, alarm);
		});
	}

	reviewNowAndThen(): void {
		if (this.ports.now() >= this.reviewAt) this.review();
	}

	private async look(machineId: MachineId, alarm: Alarm | undefined): Promise<void> {
		const entry = this.ports.machine(machineId);
		const speakers = this.sources.filter((source) => source.speaksOf(machineId));
		const mayKnow = mayKnowFailures(entry);
		let change =
			speakers.length === 0 && !mayKnow
				? alarm && ({ kind: 'return', id: alarm.id, at: this.ports.now() } as const)
				: adviseFailure(alarm, machineId, await this.statements(machineId, entry, speakers));
		// Known failures have not been heard yet.
		if (change?.kind === 'return' && mayKnow && !entry?.prognosis) change = undefined;
		if (change) await this.ports.change(change);
		if (change?.kind === 'raise' || (alarm && change?.kind !== 'return')) this.standing.add(machineId);
		else this.standing.delete(machineId);
	}

	private async statements(
		machineId: MachineId,
		entry: MachineEntry | undefined,
		speakers: readonly FailureSource[]
	): Promise<readonly FailureStatement[]> {
		const said = await Promise.all(speakers.map((source) => source.statement(machineId)));
		if (entry?.prognosis && entry.report && mayKnowFailures(entry))
			said.push(statementOfKnownFailures(entry.prognosis, entry.report));
		return said.flatMap((statement) => statement ?? []);
	}

	private inTurn(work: () => Promise<void>): Promise<boolean> {
		// What is not stored yet is not found among the open alarms: it would be raised a second time.
		const done = this.turn.then(async () => {
			await this.ports.flush();
			await work();
		});
		this.turn = done.catch(() => undefined);
		return done.then(
			() => true,
			() => false
		);
	}
}

/** A machine that still waits for its model, as after a reload, may have known failures of its kind. */
function mayKnowFailures(entry: MachineEntry | undefined): boolean {
	if (!entry || entry.record.origin === 'import') return false;
	return entry.phase !== 'live' || entry.scoring?.pipeline.knownFailures !== undefined;
}

const isExpected = (alarm: Alarm) => alarm.kind === 'failure-expected' && isActive(alarm);
