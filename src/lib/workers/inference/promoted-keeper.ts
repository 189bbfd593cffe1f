/**
 * Inference: asks promoted models of every kind about their machines, whenever there may be something new to say.
 *
 * In: promotions as they change, machines. Out: what each model says, stored, and alarms where a failure is expected. One machine at a time
 * and a small share of the time, so that live scoring never waits for it.
 */
import type { Alarm, EpochMs, MachineId, MachineRecord, Promotion } from '../../contracts';
import { adviseFailure, isActive, type AlarmChange } from '../../advisory';
import type { Store } from '../../storage/store';
import { retryAfterMs, type KnownMachine, type PromotedModels } from './promoted-models';

interface KeeperPorts {
	readonly store: Store;
	readonly now: () => EpochMs;
	readonly machine: (id: MachineId) => KnownMachine | undefined;
	readonly machines: () => Iterable<KnownMachine>;
	readonly change: (change: AlarmChange) => Promise<void>;
}

interface Turn<P extends Promotion> {
	readonly promotion: P;
	lookAt: EpochMs;
	judgedTo?: EpochMs;
}

/** Looking takes at most this share of the time. */
const share = 0.1;

/** Promotions of one kind, and when each of their machines is due. */
export class Track<P extends Promotion> {
	/** Undefined: not heard of yet, so that nothing that was said may be taken for over. */
	private promotions: readonly P[] | undefined;
	private readonly turns = new Map<MachineId, Turn<P>>();

	constructor(readonly models: PromotedModels<P>) {}

	follow(onChange: () => void): () => void {
		const ends = [
			this.models.follow((promotions) => {
				this.promotions = promotions;
				onChange();
			}),
			this.models.onEvent?.(() => this.askAgain())
		];
		return () => {
			ends.forEach((end) => end?.());
			this.models.keepOnly(new Set());
		};
	}

	get known(): boolean {
		return this.promotions !== undefined;
	}

	get inUse(): boolean {
		return (this.promotions?.length ?? 0) > 0;
	}

	has(machineId: MachineId): boolean {
		return this.turns.has(machineId);
	}

	/** Who is asked about whom: a machine's own model comes before its class's. */
	async arrange(machines: () => Iterable<KnownMachine>): Promise<void> {
		const { promotions = [] } = this;
		const own = new Map<MachineId, P>();
		const ofClass = new Map<string, P>();
		for (const promotion of promotions)
			if ('machineId' in promotion.target) own.set(promotion.target.machineId, promotion);
			else ofClass.set(promotion.target.machineClass, promotion);
		const before = new Map(this.turns);
		this.turns.clear();
		for (const { record } of this.inUse ? machines() : []) {
			const promotion = own.get(record.id) ?? ofClass.get(record.machineClass ?? '');
			if (!promotion) continue;
			const known = before.get(record.id);
			const same = known && this.models.isSame(known.promotion, promotion);
			this.turns.set(record.id, same ? known : { promotion, lookAt: 0 });
		}
		this.models.keepOnly(new Set(promotions.map(({ versionId }) => versionId)));
		// What was said by a model that speaks for the machine no more.
		for (const machineId of await this.models.spokenOf())
			if (!this.turns.has(machineId)) await this.models.forget(machineId);
	}

	/** The machine that has waited longest. */
	due(now: EpochMs): { readonly machineId: MachineId; readonly lookAt: EpochMs } | undefined {
		let due: { machineId: MachineId; lookAt: EpochMs } | undefined;
		for (const [machineId, { lookAt }] of this.turns)
			if (lookAt <= now && (!due || lookAt < due.lookAt)) due = { machineId, lookAt };
		return due;
	}

	/** True when something new was said. */
	async ask(machine: KnownMachine, now: EpochMs): Promise<boolean> {
		const { id } = machine.record;
		const turn = this.turns.get(id);
		if (!turn) return false;
		turn.lookAt = now + retryAfterMs;
		const { promotion, judgedTo } = turn;
		const isCurrent = () => this.turns.get(id) === turn;
		const answer = await this.models.ask(machine, { promotion, judgedTo, isCurrent });
		turn.lookAt = answer.lookAt;
		if (answer.judgedTo !== undefined) turn.judgedTo = answer.judgedTo;
		return answer.said ?? false;
	}

	/** A machine that is gone is looked for again later. */
	postpone(machineId: MachineId, until: EpochMs): void {
		const turn = this.turns.get(machineId);
		if (turn) turn.lookAt = until;
	}

	private askAgain(): void {
		for (const turn of this.turns.values()) [turn.lookAt, turn.judgedTo] = [0, -Infinity];
	}
}

/** What the keeper asks of a track, whatever its promotions hold. */
export type AnyTrack = Pick<
	Track<Promotion>,
	'follow' | 'known' | 'inUse' | 'has' | 'arrange' | 'due' | 'ask' | 'postpone'
> & {
	readonly models: Pick<PromotedModels<Promotion>, 'statement'>;
};

export class PromotedKeeper {
	private working = false;
	private restUntil: EpochMs = 0;
	private stopped = false;
	private stale = true;

	constructor(
		private readonly ports: KeeperPorts,
		private readonly tracks: readonly AnyTrack[]
	) {}

	/** Follows promotions; returns what ends it. */
	follow(): () => void {
		const ends = this.tracks.map((track) =>
			track.follow(() => {
				this.stale = true;
				void this.lookNext();
			})
		);
		return () => {
			this.stopped = true;
			ends.forEach((end) => end());
		};
	}

	/** Machines or their classes have changed. */
	refresh(): void {
		if (this.tracks.some(({ inUse }) => inUse)) this.stale = true;
	}

	/** Judges one machine that is due, if there is one. Never rejects. */
	async lookNext(): Promise<void> {
		const { now } = this.ports;
		if (this.working || this.stopped || this.tracks.some(({ known }) => !known)) return;
		if (!this.stale && this.tracks.every(({ inUse }) => !inUse)) return;
		this.working = true;
		const began = now();
		try {
			if (this.stale) await this.arrange();
			if (began < this.restUntil) return;
			const next = this.tracks
				.flatMap((track) => {
					const due = track.due(began);
					return due ? [{ track, ...due }] : [];
				})
				.sort((a, b) => a.lookAt - b.lookAt)[0];
			if (!next) return;
			const machine = this.ports.machine(next.machineId);
			if (!machine) return next.track.postpone(next.machineId, began + retryAfterMs);
			if (await next.track.ask(machine, began)) await this.advise(machine.record);
			this.restUntil = now() + Math.min(30_000, (now() - began) / share);
		} catch {
			// Storage has refused: what was due stays due.
			this.restUntil = now() + retryAfterMs;
		} finally {
			this.working = false;
		}
	}

	private async arrange(): Promise<void> {
		this.stale = false;
		for (const track of this.tracks) await track.arrange(this.ports.machines);
		// Alarms by a model that speaks no more: ended, or told by the one that goes on speaking.
		for (const { id, machineId } of (await this.ports.store.alarms.open()).filter(isExpected)) {
			if (!this.tracks.some((track) => track.has(machineId)))
				await this.ports.change({ kind: 'return', id, at: this.ports.now() });
			else {
				const machine = this.ports.machine(machineId);
				if (machine) await this.advise(machine.record);
			}
		}
	}

	/** A recording is past: nobody can act on what it foretold. */
	private async advise({ id, origin }: MachineRecord): Promise<void> {
		if (origin === 'import') return;
		const open = await this.ports.store.alarms.open();
		const standing = open.find((alarm) => alarm.machineId === id && isExpected(alarm));
		const statements = await Promise.all(this.tracks.map(({ models }) => models.statement(id)));
		const change = adviseFailure(
			standing,
			id,
			statements.flatMap((statement) => statement ?? [])
		);
		if (change) await this.ports.change(change);
	}
}

const isExpected = (alarm: Alarm) => alarm.kind === 'failure-expected' && isActive(alarm);
