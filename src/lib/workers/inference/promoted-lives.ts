/**
 * Inference: promoted remaining-life models. In: a machine that is due and the model promoted to it. Out: what it says of the machine's life,
 * once per new step of it, stored with what it said before; or what it lacks to say.
 */
import {
	sensorsReadBy,
	toPlainError,
	type MachineId,
	type RulAssignment,
	type RulModelVersion,
	type RulOfMachine
} from '../../contracts';
import type { FailureStatement } from '../../advisory';
import type { Engine } from '../../neural';
import { RulEnsemble } from '../../prognostics';
import { sha256Hex } from '../../training';
import { sayLife } from './life-prognosis';
import { hourMs, readLife, spanOfLife } from './machine-life';
import {
	graceMs,
	retryAfterMs,
	sayMissing,
	type Answer,
	type KnownMachine,
	type PromotedModels,
	type PromotedPorts,
	type Question
} from './promoted-models';

/** A life that ends in the past grows only when more is imported. */
const lookAgainMs = 30_000;

export class PromotedLives implements PromotedModels<RulAssignment> {
	private versions: readonly RulModelVersion[] = [];
	private readonly open = new Map<string, RulEnsemble>();

	constructor(private readonly ports: PromotedPorts & { readonly engine: Engine }) {}

	follow(onChange: (promotions: readonly RulAssignment[]) => void): () => void {
		return this.ports.store.rulModels.watch((versions, assignments) => {
			this.versions = versions;
			onChange(assignments);
		});
	}

	/** With the same idea of the machine's life. */
	isSame(
		a: Pick<RulAssignment, 'versionId' | 'stepHours' | 'newSince'>,
		b: Pick<RulAssignment, 'versionId' | 'stepHours' | 'newSince'>
	): boolean {
		return a.versionId === b.versionId && a.stepHours === b.stepHours && a.newSince === b.newSince;
	}

	async spokenOf(): Promise<readonly MachineId[]> {
		return (await this.ports.store.rulModels.outlooks()).map(({ machineId }) => machineId);
	}

	forget(machineId: MachineId): Promise<void> {
		return this.ports.store.rulModels.removeOutlook(machineId);
	}

	async statement(machineId: MachineId): Promise<FailureStatement | undefined> {
		const outlook = await this.stored(machineId);
		return outlook && { modelId: outlook.versionId, title: outlook.title, prognosis: outlook.prognosis };
	}

	async ask({ record, sensors }: KnownMachine, question: Question<RulAssignment>): Promise<Answer> {
		const { store, now } = this.ports;
		const { promotion, isCurrent } = question;
		const { stepHours } = promotion;
		const stepMs = stepHours * hourMs;
		const machineId = record.id;
		const version = this.versions.find(({ id }) => id === promotion.versionId);
		const later: Answer = { lookAt: now() + retryAfterMs };
		if (!version) return later;
		const { title, stepName } = version;
		const stored = await this.stored(machineId);
		const same = stored && this.isSame(stored, promotion) ? stored : undefined;
		const about = {
			machineId,
			versionId: version.id,
			title,
			target: promotion.target,
			...(promotion.newSince !== undefined && { newSince: promotion.newSince }),
			stepName,
			stepHours
		};
		const refuse = async (missing: string): Promise<Answer> => {
			if (same?.prognosis.missing === missing || !isCurrent()) return later;
			const prognosis = sayMissing(machineId, now(), missing);
			await store.rulModels.saveOutlook({ ...about, prognosis, steps: 0, saidSince: now() }, []);
			return later;
		};
		const names = new Set(sensors.map(({ name }) => name));
		const lacking = sensorsReadBy(version).filter((name) => !names.has(name));
		if (lacking.length > 0) return refuse(`${title} reads sensors that this machine has not: ${lacking.join(', ')}`);
		const span = await spanOfLife(store, machineId, promotion, same?.lifeFrom, now() - graceMs);
		if (!span) return refuse('Nothing is stored of this machine yet');
		const steps = Math.max(0, Math.floor((span.to - span.from) / stepMs));
		const end = span.from + steps * stepMs;
		// Nothing new since it was asked last, here or before a reload.
		const nextAt = end + stepMs + graceMs;
		const lookAt = nextAt > now() ? Math.min(nextAt, now() + Math.max(stepMs, lookAgainMs)) : now() + lookAgainMs;
		const judgedTo = question.judgedTo ?? (same?.prognosis.method === 'rul-model' ? same.prognosis.time : undefined);
		if (judgedTo !== undefined && judgedTo >= end) return { lookAt, judgedTo };
		try {
			const life = await readLife(store, machineId, version, stepHours, span);
			const ensemble = await this.opened(version);
			const before = same?.prognosis.method === 'rul-model' ? await store.rulModels.said(machineId) : [];
			const { prognosis, said } = await sayLife(
				ensemble,
				life,
				{ stepName, stepHours, capSteps: version.spec.capSteps, now: now() },
				before
			);
			if (!isCurrent()) return later;
			const outlook: RulOfMachine = {
				...about,
				prognosis: { ...prognosis, machineId },
				steps: life.unit.steps,
				lifeFrom: span.from,
				saidSince: before.length > 0 ? same!.saidSince : prognosis.time
			};
			await store.rulModels.saveOutlook(outlook, said);
			return { lookAt, judgedTo: end, said: true };
		} catch (error) {
			return refuse(`${title} could not be asked: ${toPlainError(error).message}`);
		}
	}

	keepOnly(versionIds: ReadonlySet<string>): void {
		for (const [id, ensemble] of this.open)
			if (!versionIds.has(id)) {
				ensemble.dispose();
				this.open.delete(id);
			}
	}

	private stored(machineId: MachineId): Promise<RulOfMachine | undefined> {
		return this.ports.store.rulModels.outlook(machineId);
	}

	private async opened(version: RulModelVersion): Promise<RulEnsemble> {
		const known = this.open.get(version.id);
		if (known) return known;
		const pkg = await this.ports.store.rulModels.load(version.id);
		if ((await sha256Hex(pkg.weights)) !== pkg.version.weightsSha256) throw new Error('its weights are damaged');
		const ensemble = new RulEnsemble(this.ports.engine, pkg);
		this.open.set(version.id, ensemble);
		return ensemble;
	}
}
