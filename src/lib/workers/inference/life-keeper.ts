/**
 * Inference: asks promoted remaining-life models about their machines, once per new step of a machine's life.
 *
 * In: assignments as they change, machines, stored readings. Out: what each model says, stored with what it said before, and alarms
 * where a failure is expected. One machine at a time and a small share of the time, so that live scoring never waits for it.
 */
import {
	sensorsReadBy,
	toPlainError,
	type Alarm,
	type EpochMs,
	type MachineId,
	type MachineRecord,
	type RulAssignment,
	type RulModelVersion,
	type RulOfMachine,
	type SensorRecord
} from '../../contracts';
import { adviseFailure, isActive, type AlarmChange } from '../../advisory';
import type { Engine } from '../../neural';
import { RulEnsemble } from '../../prognostics';
import { sha256Hex } from '../../training';
import type { Store } from '../../storage/store';
import { sayLife } from './life-prognosis';
import { hourMs, readLife, spanOfLife } from './machine-life';

export interface KnownMachine {
	readonly record: MachineRecord;
	readonly sensors: readonly SensorRecord[];
}

interface LifePorts {
	readonly store: Store;
	readonly engine: Engine;
	readonly now: () => EpochMs;
	readonly machine: (id: MachineId) => KnownMachine | undefined;
	readonly machines: () => Iterable<KnownMachine>;
	readonly change: (change: AlarmChange) => Promise<void>;
}

interface Turn {
	readonly assignment: RulAssignment;
	lookAt: EpochMs;
	/** End of the newest step that was judged. */
	judgedTo?: EpochMs;
}

interface OpenModel {
	readonly version: RulModelVersion;
	readonly ensemble: RulEnsemble;
}

/** Readings of a step may come a little after its end. */
const graceMs = 2_000;
const retryAfterMs = 60_000;
/** A life that ends in the past grows only when more is imported. */
const lookAgainMs = 30_000;
/** Looking takes at most this share of the time. */
const share = 0.1;

export class LifeKeeper {
	private assignments: readonly RulAssignment[] = [];
	private versions: readonly RulModelVersion[] = [];
	private readonly turns = new Map<MachineId, Turn>();
	private readonly models = new Map<string, OpenModel>();
	private working = false;
	private restUntil: EpochMs = 0;
	private stopped = false;
	private stale = true;

	constructor(private readonly ports: LifePorts) {}

	/** Follows assignments; returns what ends it. */
	follow(): () => void {
		const unwatch = this.ports.store.rulModels.watch((versions, assignments) => {
			this.versions = versions;
			this.assignments = assignments;
			this.stale = true;
			void this.lookNext();
		});
		return () => {
			this.stopped = true;
			unwatch();
			for (const id of [...this.models.keys()]) this.close(id);
		};
	}

	/** Machines or their classes have changed. */
	refresh(): void {
		if (this.assignments.length > 0) this.stale = true;
	}

	/** Judges one machine that is due, if there is one. Never rejects. */
	async lookNext(): Promise<void> {
		const { now } = this.ports;
		if (this.working || this.stopped || (this.turns.size === 0 && !this.stale)) return;
		this.working = true;
		const began = now();
		try {
			if (this.stale) await this.arrange();
			if (began < this.restUntil) return;
			let due: [MachineId, Turn] | undefined;
			for (const turn of this.turns)
				if (turn[1].lookAt <= began && (!due || turn[1].lookAt < due[1].lookAt)) due = turn;
			if (!due) return;
			await this.look(...due);
			this.restUntil = now() + Math.min(30_000, (now() - began) / share);
		} catch {
			// Storage has refused: what was due stays due.
			this.restUntil = now() + retryAfterMs;
		} finally {
			this.working = false;
		}
	}

	/** Who is asked about whom: a machine's own model comes before its class's. */
	private async arrange(): Promise<void> {
		this.stale = false;
		const { store, machines } = this.ports;
		const own = new Map<MachineId, RulAssignment>();
		const ofClass = new Map<string, RulAssignment>();
		for (const assignment of this.assignments)
			if ('machineId' in assignment.target) own.set(assignment.target.machineId, assignment);
			else ofClass.set(assignment.target.machineClass, assignment);
		const before = new Map(this.turns);
		this.turns.clear();
		for (const { record } of this.assignments.length > 0 ? machines() : []) {
			const assignment = own.get(record.id) ?? ofClass.get(record.machineClass ?? '');
			if (!assignment) continue;
			const known = before.get(record.id);
			this.turns.set(record.id, known && isSame(known.assignment, assignment) ? known : { assignment, lookAt: 0 });
		}
		for (const id of [...this.models.keys()])
			if (!this.assignments.some(({ versionId }) => versionId === id)) this.close(id);
		// What was said by a model that speaks for the machine no more.
		for (const { machineId } of await store.rulModels.outlooks())
			if (!this.turns.has(machineId)) await store.rulModels.removeOutlook(machineId);
		const orphans = (await store.alarms.open()).filter(
			(alarm) => alarm.kind === 'failure-expected' && isActive(alarm) && !this.turns.has(alarm.machineId)
		);
		for (const { id } of orphans) await this.ports.change({ kind: 'return', id, at: this.ports.now() });
	}

	private async look(machineId: MachineId, turn: Turn): Promise<void> {
		const { store, now } = this.ports;
		const { assignment } = turn;
		const { stepHours } = assignment;
		const stepMs = stepHours * hourMs;
		const known = this.ports.machine(machineId);
		const version = this.versions.find(({ id }) => id === assignment.versionId);
		turn.lookAt = now() + retryAfterMs;
		if (!known || !version) return;
		const { title, stepName } = version;
		const stored = (await store.rulModels.outlooks()).find((outlook) => outlook.machineId === machineId);
		const same = stored && isSame(stored, assignment) ? stored : undefined;
		const about = {
			machineId,
			versionId: version.id,
			title,
			target: assignment.target,
			...(assignment.newSince !== undefined && { newSince: assignment.newSince }),
			stepName,
			stepHours
		};
		const refuse = async (missing: string) => {
			const prognosis = { machineId, time: now(), method: 'none' as const, missing };
			if (same?.prognosis.missing === missing) return;
			await store.rulModels.saveOutlook({ ...about, prognosis, steps: 0, saidSince: now() }, []);
		};
		const names = new Set(known.sensors.map(({ name }) => name));
		const lacking = sensorsReadBy(version).filter((name) => !names.has(name));
		if (lacking.length > 0) return refuse(`${title} reads sensors that this machine has not: ${lacking.join(', ')}`);
		const span = await spanOfLife(store, machineId, assignment, same?.lifeFrom, now() - graceMs);
		if (!span) return refuse('Nothing is stored of this machine yet');
		const steps = Math.max(0, Math.floor((span.to - span.from) / stepMs));
		const end = span.from + steps * stepMs;
		// Nothing new since it was asked last, here or before a reload.
		const nextAt = end + stepMs + graceMs;
		turn.lookAt = nextAt > now() ? Math.min(nextAt, now() + Math.max(stepMs, lookAgainMs)) : now() + lookAgainMs;
		turn.judgedTo ??= same && same.prognosis.method === 'rul-model' ? same.prognosis.time : undefined;
		if (turn.judgedTo !== undefined && turn.judgedTo >= end) return;
		try {
			const life = await readLife(store, machineId, version, stepHours, span);
			const model = await this.open(version);
			const before = same?.prognosis.method === 'rul-model' ? await store.rulModels.said(machineId) : [];
			const { prognosis, said } = await sayLife(
				model.ensemble,
				life,
				{ stepName, stepHours, capSteps: version.spec.capSteps, now: now() },
				before
			);
			if (this.stopped || this.turns.get(machineId) !== turn) return;
			turn.judgedTo = end;
			const outlook: RulOfMachine = {
				...about,
				prognosis: { ...prognosis, machineId },
				steps: life.unit.steps,
				lifeFrom: span.from,
				saidSince: before.length > 0 ? same!.saidSince : prognosis.time
			};
			await store.rulModels.saveOutlook(outlook, said);
			await this.advise(known.record, outlook);
		} catch (error) {
			turn.lookAt = now() + retryAfterMs;
			await refuse(`${title} could not be asked: ${toPlainError(error).message}`);
		}
	}

	/** A recording is past: nobody can act on what it foretold. */
	private async advise(record: MachineRecord, { prognosis, versionId, title }: RulOfMachine): Promise<void> {
		if (record.origin === 'import') return;
		const open = await this.ports.store.alarms.open();
		const standing = open.find(
			(alarm: Alarm) => alarm.kind === 'failure-expected' && alarm.machineId === record.id && isActive(alarm)
		);
		const change = adviseFailure(standing, record.id, prognosis, { id: versionId, title });
		if (change) await this.ports.change(change);
	}

	private async open(version: RulModelVersion): Promise<OpenModel> {
		const known = this.models.get(version.id);
		if (known) return known;
		const pkg = await this.ports.store.rulModels.load(version.id);
		if ((await sha256Hex(pkg.weights)) !== pkg.version.weightsSha256) throw new Error('its weights are damaged');
		const opened = { version, ensemble: new RulEnsemble(this.ports.engine, pkg) };
		this.models.set(version.id, opened);
		return opened;
	}

	private close(id: string): void {
		this.models.get(id)?.ensemble.dispose();
		this.models.delete(id);
	}
}

/** The same model with the same idea of the machine's life. */
function isSame(
	a: Pick<RulAssignment, 'versionId' | 'stepHours' | 'newSince'>,
	b: Pick<RulAssignment, 'versionId' | 'stepHours' | 'newSince'>
): boolean {
	return a.versionId === b.versionId && a.stepHours === b.stepHours && a.newSince === b.newSince;
}
