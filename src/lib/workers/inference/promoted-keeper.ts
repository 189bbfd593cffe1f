/**
 * Inference: asks promoted models of every kind about their machines, whenever there may be something new to say.
 *
 * In: promotions as they change, machines. Out: what each model says, stored, and alarms where a failure is expected. One machine at a time
 * and a small share of the time, so that live scoring never waits for it.
 */
import type { EpochMs, MachineId, Promotion } from '../../contracts';
import type { FailureStatement } from '../../advisory';
import type { FailureAdviser, FailureSource } from './failure-adviser';
import { retryAfterMs, type KnownMachine, type PromotedModels } from './promoted-models';

interface KeeperPorts {
	readonly now: () => EpochMs;
	readonly machine: (id: MachineId) => KnownMachine | undefined;
	readonly machines: () => Iterable<KnownMachine>;
	/** Told whenever a model has said something new, or speaks no more. */
	readonly adviser: Pick<FailureAdviser, 'advise' | 'review'>;
}

interface Turn<P extends Promotion> {
	readonly promotion: P;
	lookAt: EpochMs;
	judgedTo?: EpochMs;
}

/** Looking takes at most this share of the time. */
const share = 0.1;

/** Promotions of one kind, and when each of their machines is due. */
export class Track<P extends Promotion> implements FailureSource {
	/** Undefined: not heard of yet, so that nothing that was said may be taken for over. */
	private promotions: readonly P[] | undefined;
	private readonly turns = new Map<MachineId, Turn<P>>();
	private arranged = false;

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

	/** Until it is known who is promoted, any machine may be spoken of. */
	speaksOf(machineId: MachineId): boolean {
		return !this.arranged || this.turns.has(machineId);
	}

	statement(machineId: MachineId): Promise<FailureStatement | undefined> {
		return this.models.statement(machineId);
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
		this.arranged = true;
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
export type AnyTrack = Pick<Track<Promotion>, 'follow' | 'known' | 'inUse' | 'arrange' | 'due' | 'ask' | 'postpone'>;

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
			if (await next.track.ask(machine, began)) await this.ports.adviser.advise(machine.record);
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
		this.ports.adviser.review();
	}
}
