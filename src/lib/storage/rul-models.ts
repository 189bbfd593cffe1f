/**
 * Storage: remaining-life models with their backtests, which machines they speak for, what they say of them, and every trial of a
 * search. Documents lie among the settings under their own prefixes, weights with the other models': both are in every backup already.
 */
import {
	MillwrightError,
	type EarlierPrognosis,
	type MachineId,
	type RulAssignment,
	type RulBacktest,
	type RulModelPackage,
	type RulModelVersion,
	type RulOfMachine,
	type RulTrial
} from '../contracts';
import type { DocumentContext } from './documents';
import { outlookDocuments, promotionKey } from './promotions';
import type { RulModelStore } from './store';
import { watchQuery } from './watch';

const VERSION = 'rul-model:';
const BACKTEST = 'rul-backtest:';
const ASSIGNMENT = 'rul-assignment:';
const TRIAL = 'rul-trial:';
const OUTLOOK = 'rul-outlook:';
const SAID = 'rul-said:';

export function rulModelStore(context: DocumentContext): RulModelStore {
	const { database, run, isClosed } = context;
	const all = async <T>(prefix: string): Promise<T[]> =>
		(await database.settings.where('key').startsWith(prefix).toArray()).map(({ value }) => value as T);
	const versions = async () => (await all<RulModelVersion>(VERSION)).sort((a, b) => a.createdAt - b.createdAt);
	const trials = async () => (await all<RulTrial>(TRIAL)).sort((a, b) => a.at - b.at);
	const assignments = () => all<RulAssignment>(ASSIGNMENT);
	const told = outlookDocuments<RulOfMachine>(context, OUTLOOK, SAID);
	const said = async (machineId: MachineId) =>
		((await database.settings.get(SAID + machineId))?.value as EarlierPrognosis[] | undefined) ?? [];
	const tables = [database.settings, database.modelWeights];
	return {
		versions: () => run(versions),
		save: ({ version, weights }, backtest) =>
			run(() =>
				database.transaction('rw', tables, async () => {
					await database.modelWeights.put({ id: version.id, weights });
					await database.settings.put({ key: VERSION + version.id, value: version });
					if (backtest) await database.settings.put({ key: BACKTEST + version.id, value: backtest });
				})
			).then(() => undefined),
		load: (id) =>
			run(() =>
				database.transaction('r', tables, async (): Promise<RulModelPackage> => {
					const version = (await database.settings.get(VERSION + id))?.value as RulModelVersion | undefined;
					const weights = await database.modelWeights.get(id);
					if (!version || !weights)
						throw new MillwrightError('not-found', `There is no remaining-life model "${id}" here`, { id });
					return { version, weights: weights.weights };
				})
			),
		backtest: (id) => run(async () => (await database.settings.get(BACKTEST + id))?.value as RulBacktest | undefined),
		remove: (id) =>
			run(() =>
				database.transaction('rw', tables, async () => {
					await database.settings.bulkDelete([VERSION + id, BACKTEST + id]);
					await database.modelWeights.delete(id);
					await told.forgetWhere(({ versionId }) => versionId === id);
					await database.settings
						.where('key')
						.startsWith(ASSIGNMENT)
						.filter(({ value }) => (value as RulAssignment).versionId === id)
						.delete();
				})
			).then(() => undefined),
		assignments: () => run(assignments),
		assign: (assignment) =>
			run(() => database.settings.put({ key: promotionKey(ASSIGNMENT, assignment.target), value: assignment })).then(
				() => undefined
			),
		withdraw: (target) =>
			run(() =>
				database.transaction('rw', database.settings, async () => {
					const key = promotionKey(ASSIGNMENT, target);
					await database.settings.delete(key);
					await told.forgetWhere((outlook) => promotionKey(ASSIGNMENT, outlook.target) === key);
				})
			).then(() => undefined),
		outlooks: told.outlooks,
		outlook: (machineId) => run(() => told.find(machineId)),
		saveOutlook: (outlook, earlier) =>
			run(() =>
				database.settings.bulkPut([
					{ key: told.keyOf(outlook.machineId), value: outlook },
					{ key: SAID + outlook.machineId, value: earlier }
				])
			).then(() => undefined),
		removeOutlook: told.removeOutlook,
		said: (machineId) => run(() => said(machineId)),
		watchOutlooks: told.watchOutlooks,
		watchOutlook: (machineId, onChange) =>
			watchQuery(
				() =>
					database.transaction('r', database.settings, async () => ({
						outlook: await told.find(machineId),
						earlier: await said(machineId)
					})),
				({ outlook, earlier }) => onChange(outlook, earlier),
				isClosed
			),
		saveTrial: (trial) =>
			run(() => database.settings.put({ key: TRIAL + trial.id, value: trial })).then(() => undefined),
		trialsOf: (searchId) => run(async () => (await trials()).filter((trial) => trial.searchId === searchId)),
		removeTrials: (searchId) =>
			run(() =>
				database.settings
					.where('key')
					.startsWith(TRIAL)
					.filter(({ value }) => (value as RulTrial).searchId === searchId)
					.delete()
			).then(() => undefined),
		watch: (onChange) =>
			watchQuery(
				// One transaction: a live query follows what is read within it.
				() =>
					database.transaction('r', database.settings, async () => ({
						versions: await versions(),
						assignments: await assignments(),
						trials: await trials()
					})),
				(found) => onChange(found.versions, found.assignments, found.trials),
				isClosed
			)
	};
}
