/**
 * Storage: promoted models of any kind. In: what they are promoted to and what they say of machines. Out: documents among the settings, each
 * kind under prefixes of its own.
 */
import type { MachineId, Prognosis, Promotion } from '../contracts';
import type { DocumentContext } from './documents';
import { watchQuery } from './watch';

/** Of the document that says which version speaks for a machine or a class. */
export function promotionKey(prefix: string, target: Promotion['target']): string {
	return prefix + ('machineId' in target ? `machine:${target.machineId}` : `class:${target.machineClass}`);
}

/** What a promoted model says of one machine. */
export interface Outlook extends Promotion {
	readonly machineId: MachineId;
	readonly title: string;
	readonly prognosis: Prognosis;
}

/** `beside`: prefix of what is kept with each outlook, and goes with it. */
export function outlookDocuments<O extends Outlook>(
	{ database: { settings }, run, isClosed }: DocumentContext,
	prefix: string,
	beside?: string
) {
	const all = async () => (await settings.where('key').startsWith(prefix).toArray()).map(({ value }) => value as O);
	const keysOf = (machineId: MachineId) => [prefix + machineId, ...(beside === undefined ? [] : [beside + machineId])];
	return {
		keyOf: (machineId: MachineId) => prefix + machineId,
		find: async (machineId: MachineId) => (await settings.get(prefix + machineId))?.value as O | undefined,
		/** Within a transaction. */
		forgetWhere: async (which: (outlook: O) => boolean) =>
			settings.bulkDelete((await all()).filter(which).flatMap(({ machineId }) => keysOf(machineId))),
		outlooks: () => run(all),
		removeOutlook: (machineId: MachineId) => run(() => settings.bulkDelete(keysOf(machineId))).then(() => undefined),
		watchOutlooks: (onChange: (outlooks: O[]) => void) => watchQuery(all, onChange, isClosed)
	};
}
