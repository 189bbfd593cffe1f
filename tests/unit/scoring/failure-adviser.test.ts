/** One alarm a machine where a failure is expected: raised once, kept over a start, ended when nobody is left to speak. */
import { beforeEach, expect, test } from 'vitest';
import { openContext } from '../storage/open-store';
import { acknowledgeAlarm, type Alarm, type Prognosis } from '$lib/contracts';
import { applyChange, type AlarmChange, type FailureStatement } from '$lib/advisory';
import type { Store } from '$lib/storage/store';
import { FailureAdviser, type FailureSource } from '$lib/workers/inference/failure-adviser';
import type { MachineEntry } from '$lib/workers/inference/machine-entry';

let store: Store;
let now: number;
let refuses: boolean;
let entry: MachineEntry;
let adviser: FailureAdviser;
let promoted: FailureStatement | undefined;

const source: FailureSource = {
	speaksOf: (id) => id === 'p' && promoted !== undefined,
	statement: () => Promise.resolve(promoted)
};
const week = (within7d: number, more: Partial<Prognosis> = {}): Prognosis => ({
	machineId: 'p',
	time: now,
	method: 'failure-library',
	rulHours: { median: 90, low: 40, high: 160 },
	eventProbability: { within24h: 0, within72h: 0.1, within7d },
	...more
});
const calm = (): Prognosis => ({ machineId: 'p', time: now, method: 'none', missing: 'x', nothingInSight: true });
const machine = (knownFailures: object | undefined) =>
	({
		record: { id: 'p', origin: 'live' },
		phase: 'live',
		scoring: { pipeline: { knownFailures } },
		report: { modelId: 'pump-v5', contributors: [] }
	}) as unknown as MachineEntry;
const start = () =>
	new FailureAdviser(
		{
			store,
			now: () => now,
			machine: (id) => (id === 'p' ? entry : undefined),
			flush: () => (refuses ? Promise.reject(new Error('full')) : Promise.resolve()),
			change: async (change: AlarmChange) => {
				const id = change.kind === 'raise' ? change.alarm.id : change.id;
				await store.alarms.update(id, (stored) => applyChange(stored, change));
			}
		},
		[source]
	);
const says = (prognosis: Prognosis) => {
	entry.prognosis = prognosis;
	adviser.hear(entry);
};
/** What is stored once all that was heard has been looked at: turns are taken in order. */
async function alarms(): Promise<Alarm[]> {
	await adviser.advise({ id: 'nobody', origin: 'live' });
	return (await store.alarms.list({})).filter(({ kind }) => kind === 'failure-expected');
}

beforeEach(async () => {
	store = await openContext();
	[now, refuses, promoted] = [1_000_000, false, undefined];
	entry = machine({});
	adviser = start();
});

test('known failures raise one alarm, however often they say so; acknowledged, it ends as others do', async () => {
	says(week(0.7));
	says(week(0.71));
	const [raised, ...others] = await alarms();
	expect(others).toEqual([]);
	expect(raised).toMatchObject({ priority: 'low', state: 'unacknowledged', modelId: 'pump-v5' });
	await store.alarms.update(raised!.id, (stored) => stored && acknowledgeAlarm(stored, 'Ana', now));
	now += 3_600_000;
	says(week(0.2));
	expect(await alarms()).toMatchObject([{ id: raised!.id, state: 'normal', acknowledgedBy: 'Ana', returnedAt: now }]);
});

test('an alarm stands over a start until known failures have been heard again', async () => {
	says(week(0.7));
	const [raised] = await alarms();
	entry = { ...machine({}), phase: 'waiting', scoring: undefined };
	promoted = { modelId: 'r', title: 'Milling', prognosis: week(0.1, { method: 'rul-model' }) };
	adviser = start();
	adviser.review();
	expect(await alarms()).toEqual([raised]);
	entry = machine({});
	now += 1_000;
	says(week(0.6));
	expect(await alarms()).toMatchObject([{ id: raised!.id, state: 'unacknowledged' }]);
	says(calm());
	expect(await alarms()).toMatchObject([{ id: raised!.id, state: 'returned-unacknowledged' }]);
});

test('it ends where the machine is watched by something that knows no failures, and nobody else speaks of it', async () => {
	says(week(0.7));
	await alarms();
	entry = machine(undefined);
	adviser.review();
	expect(await alarms()).toMatchObject([{ state: 'returned-unacknowledged' }]);
});

test('a promoted model that says the same makes no second alarm', async () => {
	promoted = { modelId: 'r', title: 'Milling', prognosis: week(0.6, { method: 'rul-model' }) };
	says(week(0.9));
	await adviser.advise(entry.record);
	expect(await alarms()).toMatchObject([{ modelId: 'r' }]);
});

test('what storage refuses is advised on again; a recording is not at all', async () => {
	refuses = true;
	says(week(0.7));
	expect(await alarms()).toEqual([]);
	refuses = false;
	adviser.hear(entry);
	expect(await alarms()).toHaveLength(1);

	entry = { ...machine({}), record: { ...entry.record, id: 'q', origin: 'import' } };
	says(week(0.9));
	expect(await alarms()).toHaveLength(1);
});
