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
import type { RulModelStore } from './store';
import { watchQuery } from './watch';

const VERSION = 'rul-model:';
const BACKTEST = 'rul-backtest:';
const ASSIGNMENT = 'rul-assignment:';
const TRIAL = 'rul-trial:';
const OUTLOOK = 'rul-outlook:';
const SAID = 'rul-said:';

export function rulModelStore({ database, run, isClosed }: DocumentContext): RulModelStore {
	const all = async <T>(prefix: string): Promise<T[]> =>
		(await database.settings.where('key').startsWith(prefix).toArray()).map(({ value }) => value as T);
	const versions = async () => (await all<RulModelVersion>(VERSION)).sort((a, b) => a.createdAt - b.createdAt);
	const trials = async () => (await all<RulTrial>(TRIAL)).sort((a, b) => a.at - b.at);
	const assignments = () => all<RulAssignment>(ASSIGNMENT);
	const outlooks = () => all<RulOfMachine>(OUTLOOK);
	const said = async (machineId: MachineId) =>
		((await database.settings.get(SAID + machineId))?.value as EarlierPrognosis[] | undefined) ?? [];
	/** Within a transaction. */
	const forget = async (which: (outlook: RulOfMachine) => boolean) => {
		const gone = (await outlooks()).filter(which).flatMap(({ machineId }) => [OUTLOOK + machineId, SAID + machineId]);
		await database.settings.bulkDelete(gone);
	};
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
					await forget(({ versionId }) => versionId === id);
					await database.settings
						.where('key')
						.startsWith(ASSIGNMENT)
						.filter(({ value }) => (value as RulAssignment).versionId === id)
						.delete();
				})
			).then(() => undefined),
		assignments: () => run(assignments),
		assign: (assignment) =>
			run(() => database.settings.put({ key: keyOf(assignment.target), value: assignment })).then(() => undefined),
		withdraw: (target) =>
			run(() =>
				database.transaction('rw', database.settings, async () => {
					await database.settings.delete(keyOf(target));
					await forget((outlook) => keyOf(outlook.target) === keyOf(target));
				})
			).then(() => undefined),
		outlooks: () => run(outlooks),
		saveOutlook: (outlook, earlier) =>
			run(() =>
				database.settings.bulkPut([
					{ key: OUTLOOK + outlook.machineId, value: outlook },
					{ key: SAID + outlook.machineId, value: earlier }
				])
			).then(() => undefined),
		removeOutlook: (machineId) =>
			run(() => database.settings.bulkDelete([OUTLOOK + machineId, SAID + machineId])).then(() => undefined),
		said: (machineId) => run(() => said(machineId)),
		watchOutlooks: (onChange) => watchQuery(outlooks, onChange, isClosed),
		watchOutlook: (machineId, onChange) =>
			watchQuery(
				() =>
					database.transaction('r', database.settings, async () => ({
						outlook: (await database.settings.get(OUTLOOK + machineId))?.value as RulOfMachine | undefined,
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

function keyOf(target: RulAssignment['target']): string {
	return ASSIGNMENT + ('machineId' in target ? `machine:${target.machineId}` : `class:${target.machineClass}`);
}
