/**
 * Storage: what Sparkplug's edge nodes said at their births, and how far their messages were counted. In: what has changed. Out: all of it, for
 * who opens the workspace next. Counts change far more often than births and are rows of their own. Not part of a backup.
 */
import { inTransaction } from './database';
import type { DocumentContext } from './documents';
import type { EdgeNodeStore } from './store';

export function edgeNodeStore({ database, run }: DocumentContext): EdgeNodeStore {
	const tables = ['edgeNodes', 'edgeCounts'] as const;
	return {
		all: () =>
			run(() =>
				inTransaction(database, 'r', tables, async ({ edgeNodes, edgeCounts }) => {
					const [births, counts] = await Promise.all([edgeNodes.toArray(), edgeCounts.toArray()]);
					const byNode = new Map(counts.map((count) => [count.node, count]));
					return births.map((birth) => {
						const count = byNode.get(birth.node);
						return { birth, ...(count && { count }) };
					});
				})
			),
		save: ({ births, counts, gone }) =>
			run(() =>
				inTransaction(database, 'rw', tables, async ({ edgeNodes, edgeCounts }) => {
					const keys = [...gone];
					await Promise.all([
						edgeNodes.bulkDelete(keys),
						edgeCounts.bulkDelete(keys),
						edgeNodes.bulkPut(births),
						edgeCounts.bulkPut(counts)
					]);
				})
			),
		clear: () =>
			run(() =>
				inTransaction(database, 'rw', tables, async ({ edgeNodes, edgeCounts }) => {
					await Promise.all([edgeNodes.clear(), edgeCounts.clear()]);
				})
			)
	};
}
