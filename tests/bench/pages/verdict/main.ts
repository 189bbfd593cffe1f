/**
 * Page of `npm run bench:verdict`: the product's inference worker with a plant of any size, fed over the live channel as acquisition
 * feeds it - every machine once a second, spread over the second.
 *
 * In: a number of machines. Out: how long readings waited for their verdicts, as the worker measures it and as a screen sees it.
 */
import { liveChannelName, sensorIdOf, type InferenceStatus, type LiveMessage, type ReadingBatch } from '$lib/contracts';
import { openStore } from '$lib/storage';
import { spawnInference } from '$lib/workers/inference.client';
import { plantOf, registerPlant } from '../../../tools/simulated-plant';

const workspace = 'plant';
/** Simulated seconds, gone through over and over. */
const recordedSeconds = 40;
const ticksPerSecond = 20;
/** A plant that is not judged as a whole by then is too large. */
const readyWithinMs = 120_000;
/** Some machines stand for longer than that. */
const warmWithinMs = 60_000;
const warmShare = 0.9;

export interface VerdictFigures {
	readonly machines: number;
	readonly sensors: number;
	readonly p50Ms: number;
	readonly p95Ms: number;
	readonly shownP95Ms: number;
	readonly verdicts: number;
	readonly late: number;
	readonly expectedVerdicts: number;
	/** Machines that were judged when measuring began. */
	readonly judged: number;
	/** Of them, machines that had had a score. */
	readonly scored: number;
	readonly preparedSeconds: number;
	readonly problem: string | undefined;
}

interface Request {
	readonly machines: number;
	readonly seconds: number;
}

async function measure({ machines, seconds }: Request): Promise<VerdictFigures> {
	const before = await openStore(workspace);
	await before.destroy();
	const store = await openStore(workspace);
	const plant = plantOf({ machines, scenario: 'healthy', startTime: Date.UTC(2026, 0, 5), seed: 3 });
	const recording = plant.machines.map(({ machineClass }) => ({
		names: machineClass.sensors.map(({ name }) => name),
		values: new Float64Array(recordedSeconds * machineClass.sensors.length)
	}));
	const indexOf = new Map(plant.machines.map(({ topic }, index) => [topic, index]));
	for (let second = 0; second < recordedSeconds; second++)
		for (const { topic, payload } of plant.step()) {
			const { names, values } = recording[indexOf.get(topic)!]!;
			names.forEach((name, i) => (values[second * names.length + i] = payload[name] as number));
		}
	await registerPlant(store, plant, 'live');
	const channel = new BroadcastChannel(liveChannelName(workspace));
	const posted = new Map<string, { time: number; at: number }>();
	let status: InferenceStatus | undefined;
	let shown: number[] = [];
	let counting = false;
	/** Machines that have had a score. */
	const warm = new Set<string>();
	channel.onmessage = ({ data }: MessageEvent<LiveMessage>) => {
		if (data.kind === 'inference') status = data.status;
		if (data.kind !== 'verdicts') return;
		if (!counting) {
			for (const { machineId, score } of data.reports) if (!Number.isNaN(score)) warm.add(machineId);
			return;
		}
		const now = Date.now();
		for (const { machineId, time } of data.reports) {
			const last = posted.get(machineId);
			if (last?.time === time) shown.push(now - last.at);
		}
	};
	const worker = spawnInference();
	await worker.api.start(workspace);
	const begun = performance.now();
	let second = 0;
	let tick = 0;
	const feeder = setInterval(() => {
		const now = Date.now();
		const part: number[] = [];
		for (let m = tick; m < machines; m += ticksPerSecond) part.push(m);
		channel.postMessage({ kind: 'readings', batch: batchOf(part, second, now) } satisfies LiveMessage);
		tick = (tick + 1) % ticksPerSecond;
		if (tick === 0) second++;
	}, 1000 / ticksPerSecond);

	function batchOf(part: readonly number[], at: number, now: number): ReadingBatch {
		const sensorIds: string[] = [];
		const values: number[] = [];
		const times: number[] = [];
		for (const m of part) {
			const { machineId } = plant.machines[m]!;
			const { names, values: recorded } = recording[m]!;
			const time = Math.floor(now / 1000) * 1000;
			if (counting) posted.set(machineId, { time, at: now });
			names.forEach((name, i) => {
				sensorIds.push(sensorIdOf(machineId, name));
				times.push(time);
				values.push(recorded[(at % recordedSeconds) * names.length + i]!);
			});
		}
		return {
			sensorIds,
			series: Uint32Array.from(values, (_, i) => i),
			times: Float64Array.from(times),
			values: Float64Array.from(values),
			qualities: new Uint8Array(values.length),
			receivedAt: now
		};
	}

	try {
		const giveUp = performance.now() + readyWithinMs;
		let told = 0;
		while ((status?.machinesScored ?? 0) < machines && performance.now() < giveUp) {
			await wait(250);
			if (performance.now() - told < 10_000) continue;
			told = performance.now();
			console.log(
				`after ${((told - begun) / 1000).toFixed(0)} s ${status?.machinesScored ?? 0} of ${machines} machines are judged`
			);
		}
		const preparedSeconds = (performance.now() - begun) / 1000;
		const judged = status?.machinesScored ?? 0;
		// What waited while machines were prepared is not what is measured, nor verdicts without a score, of which less is stored.
		const warmBy = performance.now() + warmWithinMs;
		while (warm.size < warmShare * machines && performance.now() < warmBy) await wait(250);
		const scored = warm.size;
		counting = true;
		await wait(seconds * 1000);
		const end = status!;
		const sorted = shown.sort((a, b) => a - b);
		return {
			machines,
			sensors: recording.reduce((sum, { names }) => sum + names.length, 0),
			p50Ms: end.p50Ms,
			p95Ms: end.p95Ms,
			shownP95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
			verdicts: shown.length,
			late: shown.filter((ms) => ms > 1_000).length,
			expectedVerdicts: machines * seconds,
			judged,
			scored,
			preparedSeconds,
			problem: end.problem
		};
	} finally {
		clearInterval(feeder);
		channel.close();
		await worker.api.stop().catch(() => undefined);
		worker.terminate();
		await store.destroy();
		shown = [];
	}
}

function wait(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
Object.assign(globalThis, { measure });
