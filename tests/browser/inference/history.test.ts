/** Stored history judged in the background, on real IndexedDB and the real engine: an interruption loses nothing of what has been looked at. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MachineRecord, ModelPackage } from '$lib/contracts';
import { Predictor, ScoreTail, runRowsOf } from '$lib/detection';
import { startEngine, type Engine } from '$lib/neural';
import type { Store } from '$lib/storage/store';
import { newAdaptation } from '$lib/workers/inference/adaptation-keeper';
import { scoreHistory, type JudgedPast } from '$lib/workers/inference/history';
import { ModelSource } from '$lib/workers/model-source';
import { missingIntervals, type Interval } from '$lib/workers/inference/scored-intervals';
import { VerdictWriter } from '$lib/workers/inference/verdict-writer';
import { openEmptyStore } from '../../tools/empty-store';
import { plantOf, readingsOf, registerPlant } from '../../tools/simulated-plant';

let store: Store;
let engine: Engine;
beforeEach(async () => {
	store = await openEmptyStore('plant');
	engine = await startEngine({ backends: ['wasm'], purpose: 'scoring' });
});
afterEach(async () => {
	engine.dispose();
	await store.destroy();
});

const hour = 3_600_000;

it('counts every hour of normal running once, however often the pass over them is interrupted', async () => {
	const plant = plantOf({ classes: ['centrifugal-pump'], scenario: 'healthy', startTime: Date.UTC(2026, 0, 5, 8) });
	const from = plant.time;
	const { machineId, machineClass } = plant.machines[0]!;
	await registerPlant(store, plant);
	for (let part = 0; part < 4; part++) await store.series.append(readingsOf(plant, 1_800));
	const machine = { id: machineId, machineClass: machineClass.id } as MachineRecord;
	const { version, ...weights } = (await new ModelSource(store.models, `${location.origin}/`).versionFor(
		machine,
		undefined
	))!;
	const predictor = new Predictor(engine, { version, ...weights } as ModelPackage);
	const whole: Interval = [from + hour / 2, plant.time];
	const watchedHours = (pasts: readonly (JudgedPast | undefined)[]) => {
		const tail = new ScoreTail(runRowsOf(version), version.stepMs);
		for (const past of pasts) if (past) tail.absorb(past);
		return tail.watched?.hours ?? 0;
	};
	const pass = async (writer: VerdictWriter, hole: Interval, slices: number) => {
		const adaptation = newAdaptation(version.id, 1);
		const task = { machineId, basis: version, predictor, hole, phase: undefined, adaptation, failures: undefined };
		let left = slices;
		const judged = await scoreHistory(store, writer, [task], () => Promise.resolve(left-- > 0));
		return judged.get(machineId);
	};

	const writer = new VerdictWriter(store, Date.now);
	const pasts: (JudgedPast | undefined)[] = [];
	const holes: Interval[] = [];
	for (const slices of [9, 1, 12, Infinity]) {
		const [hole] = missingIntervals((await writer.recordOf(machineId)).intervals, ...whole, 10 * version.stepMs);
		holes.push(hole!);
		pasts.push(await pass(writer, hole!, slices));
	}
	// Begun again where it had come to; one slice is too short to get anywhere.
	expect(pasts.map((past) => past !== undefined)).toEqual([true, false, true, true]);
	expect(holes.map(([begin]) => begin)).toEqual(
		[...new Set(holes.map(([begin]) => begin))].toSpliced(1, 0, holes[1]![0])
	);
	expect(missingIntervals((await writer.recordOf(machineId)).intervals, ...whole, 0)).toEqual([]);
	const inOneGo = watchedHours([await pass(new VerdictWriter(store, Date.now), whole, Infinity)]);
	expect(inOneGo).toBeGreaterThan(1);
	// Of a run that an end cuts off, less than one run's length says nothing.
	const run = (runRowsOf(version) * version.stepMs) / hour;
	expect(watchedHours(pasts)).toBeLessThanOrEqual(inOneGo + run);
	expect(watchedHours(pasts)).toBeGreaterThan(inOneGo - 3 * run);
}, 120_000);
