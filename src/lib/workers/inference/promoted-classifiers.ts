/**
 * Inference: promoted failure classifiers. In: a machine that is due and the model promoted to it. Out: how likely it fails within 24 hours, 72
 * hours and 7 days, or as it runs now, with reasons, stored; or what it lacks to say. A machine is asked about again at once when somebody
 * records that it failed or was repaired.
 */
import {
	isFlagged,
	onlyInFiles,
	sensorOfColumn,
	toPlainError,
	type EpochMs,
	type FailureModelPackage,
	type FailureModelVersion,
	type MachineId,
	type Prognosis,
	type RiskAssignment,
	type RiskChoice,
	type RiskOfMachine,
	type RiskPrediction
} from '../../contracts';
import { tellFaultFrom, type FailureStatement } from '../../advisory';
import { FailureClassifier, lackingChannels } from '../../prognostics';
import { newestRow, type FeatureRow } from './risk-features';
import {
	retryAfterMs,
	sayMissing,
	type Answer,
	type KnownMachine,
	type PromotedModels,
	type PromotedPorts,
	type Question
} from './promoted-models';

/** Means of days move slowly; a row is as new as the newest reading. */
const lookAgainMs = { days: 300_000, rows: 20_000 };

type Trees = Pick<FailureModelPackage, 'targets' | 'modes'>;

export class PromotedClassifiers implements PromotedModels<RiskAssignment> {
	private versions: readonly FailureModelVersion[] = [];
	private readonly open = new Map<string, Trees>();
	private askAgain: () => void = () => undefined;

	constructor(private readonly ports: PromotedPorts) {}

	follow(onChange: (promotions: readonly RiskAssignment[]) => void): () => void {
		let choices = '';
		return this.ports.store.riskModels.watch((versions, assignments) => {
			this.versions = versions;
			onChange(assignments);
			const now = JSON.stringify(versions.map(choiceOf));
			if (now !== choices) this.askAgain();
			choices = now;
		});
	}

	/** A failure or a repair is recorded, or a person has chosen anew what speaks. */
	onEvent(ask: () => void): () => void {
		this.askAgain = ask;
		return this.ports.store.failures.watch(undefined, ask);
	}

	isSame(a: Pick<RiskAssignment, 'versionId'>, b: Pick<RiskAssignment, 'versionId'>): boolean {
		return a.versionId === b.versionId;
	}

	async spokenOf(): Promise<readonly MachineId[]> {
		return (await this.ports.store.riskModels.outlooks()).map(({ machineId }) => machineId);
	}

	forget(machineId: MachineId): Promise<void> {
		return this.ports.store.riskModels.removeOutlook(machineId);
	}

	async statement(machineId: MachineId): Promise<FailureStatement | undefined> {
		const outlook = await this.stored(machineId);
		if (!outlook) return undefined;
		const mode = outlook.prediction?.modes[0];
		return {
			modelId: outlook.versionId,
			title: outlook.title,
			prognosis: outlook.prognosis,
			...(mode && mode.probability >= tellFaultFrom && { fault: mode.name })
		};
	}

	async ask({ record, sensors }: KnownMachine, question: Question<RiskAssignment>): Promise<Answer> {
		const { store, now } = this.ports;
		const { promotion, judgedTo, isCurrent } = question;
		const machineId = record.id;
		const version = this.versions.find(({ id }) => id === promotion.versionId);
		if (!version) return { lookAt: now() + retryAfterMs };
		const { title, features } = version;
		const lookAt = now() + lookAgainMs[features.kind];
		const say = async (prognosis: Prognosis, prediction?: RiskPrediction): Promise<void> => {
			const visit = prediction !== undefined && isFlagged(version, prediction);
			const choice = choiceOf(version);
			const about = { machineId, versionId: version.id, title, target: promotion.target, choice };
			await store.riskModels.saveOutlook({ ...about, prognosis, visit, ...(prediction && { prediction }) });
		};
		const refuse = async (missing: string): Promise<Answer> => {
			const before = await this.stored(machineId);
			const known = before?.versionId === version.id && before.prognosis.missing === missing;
			if (!known && isCurrent()) await say(sayMissing(machineId, now(), missing));
			return { lookAt: now() + retryAfterMs };
		};
		const lacking = lackingOf(version, new Set(sensors.map(({ name }) => name)));
		if (lacking.length > 0) return refuse(`${title} reads sensors that this machine has not: ${lacking.join(', ')}`);
		const absent = onlyInFiles(features);
		if (absent.length > 0) return refuse(`${title} reads what no machine here records: ${absent.join(', ')}`);
		try {
			const row = await newestRow(store, machineId, version, now());
			if ('missing' in row) return await refuse(row.missing);
			if (judgedTo !== undefined && judgedTo >= row.time) return { lookAt };
			const classifier = new FailureClassifier({ version, ...(await this.opened(version.id)) });
			const [prediction] = classifier.predict(row.features, [machineId], 1);
			if (!isCurrent()) return { lookAt };
			await say(prognosisOf(version, machineId, row, prediction!), prediction!);
			return { lookAt, judgedTo: row.time, said: true };
		} catch (error) {
			return refuse(`${title} could not be asked: ${toPlainError(error).message}`);
		}
	}

	keepOnly(versionIds: ReadonlySet<string>): void {
		for (const id of this.open.keys()) if (!versionIds.has(id)) this.open.delete(id);
	}

	private stored(machineId: MachineId): Promise<RiskOfMachine | undefined> {
		return this.ports.store.riskModels.outlook(machineId);
	}

	private async opened(id: string): Promise<Trees> {
		let trees = this.open.get(id);
		if (!trees) this.open.set(id, (trees = await this.ports.store.riskModels.load(id)));
		return trees;
	}
}

function choiceOf({ method, thresholds }: FailureModelVersion): RiskChoice {
	return { method, thresholds };
}

/** Sensors that the model reads and the machine has not. */
function lackingOf({ features }: FailureModelVersion, names: ReadonlySet<string>): readonly string[] {
	if (features.kind === 'days') return lackingChannels(features, [...names]);
	return features.inputs.map(({ name }) => sensorOfColumn(name)).filter((name) => !names.has(name));
}

/** What fails as it runs now fails within any time at least as likely: a model of rows tells least probabilities. */
export function prognosisOf(
	{ targets }: Pick<FailureModelVersion, 'targets'>,
	machineId: MachineId,
	{ time }: Pick<FeatureRow, 'time'>,
	{ probabilities }: RiskPrediction
): Prognosis {
	const within = (hours: number) =>
		targets.reduce(
			(most, { horizonHours = 0 }, t) => (horizonHours <= hours ? Math.max(most, probabilities[t]!) : most),
			0
		);
	const tellsUpToHours = Math.max(...targets.map(({ horizonHours = 0 }) => horizonHours));
	return {
		machineId,
		time: time satisfies EpochMs,
		method: 'failure-classifier',
		eventProbability: { within24h: within(24), within72h: within(72), within7d: within(168) },
		...(tellsUpToHours < 168 && { tellsUpToHours })
	};
}
