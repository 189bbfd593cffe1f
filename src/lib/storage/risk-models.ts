/**
 * Storage: failure classifiers with their trees, what they said when they were looked back on, which machines they speak for, and what they
 * say of them.
 * Documents lie among the settings under their own prefixes: they are in every backup already.
 */
import {
	MillwrightError,
	type FailureModelPackage,
	type FailureModelVersion,
	type RiskAssignment,
	type RiskLookBack,
	type RiskOfMachine
} from '../contracts';
import type { DocumentContext } from './documents';
import { outlookDocuments, promotionKey } from './promotions';
import type { RiskModelStore } from './store';
import { watchQuery } from './watch';

const VERSION = 'risk-model:';
const TREES = 'risk-trees:';
const LOOK_BACK = 'risk-look-back:';
const ASSIGNMENT = 'risk-assignment:';
const OUTLOOK = 'risk-outlook:';

type Trees = Pick<FailureModelPackage, 'targets' | 'modes'>;

export function riskModelStore(context: DocumentContext): RiskModelStore {
	const { database, run, isClosed } = context;
	const { settings } = database;
	const all = async <T>(prefix: string): Promise<T[]> =>
		(await settings.where('key').startsWith(prefix).toArray()).map(({ value }) => value as T);
	const versions = async () => (await all<FailureModelVersion>(VERSION)).sort((a, b) => a.createdAt - b.createdAt);
	const assignments = () => all<RiskAssignment>(ASSIGNMENT);
	const told = outlookDocuments<RiskOfMachine>(context, OUTLOOK);
	const missing = (id: string) =>
		new MillwrightError('not-found', `There is no failure classifier "${id}" here`, { id });
	return {
		versions: () => run(versions),
		save: ({ version, targets, modes }, lookBack) =>
			run(() =>
				database.transaction('rw', settings, async () => {
					await settings.put({ key: VERSION + version.id, value: version });
					await settings.put({ key: TREES + version.id, value: { targets, modes } satisfies Trees });
					await settings.put({ key: LOOK_BACK + version.id, value: lookBack });
				})
			).then(() => undefined),
		load: (id) =>
			run(() =>
				database.transaction('r', settings, async (): Promise<FailureModelPackage> => {
					const version = (await settings.get(VERSION + id))?.value as FailureModelVersion | undefined;
					const trees = (await settings.get(TREES + id))?.value as Trees | undefined;
					if (!version || !trees) throw missing(id);
					return { version, ...trees };
				})
			),
		lookBack: (id) => run(async () => (await settings.get(LOOK_BACK + id))?.value as RiskLookBack | undefined),
		decide: (id, decision) =>
			run(() =>
				database.transaction('rw', settings, async () => {
					const version = (await settings.get(VERSION + id))?.value as FailureModelVersion | undefined;
					if (!version) throw missing(id);
					await settings.put({ key: VERSION + id, value: { ...version, ...decision } });
				})
			),
		remove: (id) =>
			run(() =>
				database.transaction('rw', settings, async () => {
					await settings.bulkDelete([VERSION + id, TREES + id, LOOK_BACK + id]);
					await told.forgetWhere(({ versionId }) => versionId === id);
					await settings
						.where('key')
						.startsWith(ASSIGNMENT)
						.filter(({ value }) => (value as RiskAssignment).versionId === id)
						.delete();
				})
			).then(() => undefined),
		assignments: () => run(assignments),
		assign: (assignment) =>
			run(() => settings.put({ key: promotionKey(ASSIGNMENT, assignment.target), value: assignment })).then(
				() => undefined
			),
		withdraw: (target) =>
			run(() =>
				database.transaction('rw', settings, async () => {
					const key = promotionKey(ASSIGNMENT, target);
					await settings.delete(key);
					await told.forgetWhere((outlook) => promotionKey(ASSIGNMENT, outlook.target) === key);
				})
			),
		outlooks: told.outlooks,
		outlook: (machineId) => run(() => told.find(machineId)),
		saveOutlook: (outlook) =>
			run(() => settings.put({ key: told.keyOf(outlook.machineId), value: outlook })).then(() => undefined),
		removeOutlook: told.removeOutlook,
		watchOutlooks: told.watchOutlooks,
		watchOutlook: (machineId, onChange) => watchQuery(() => told.find(machineId), onChange, isClosed),
		watch: (onChange) =>
			watchQuery(
				// One transaction: a live query follows what is read within it.
				() =>
					database.transaction('r', settings, async () => ({
						versions: await versions(),
						assignments: await assignments()
					})),
				(found) => onChange(found.versions, found.assignments),
				isClosed
			)
	};
}
