import { describe, expect, test } from 'vitest';
import type { DetectedState, DriftStatus, SensorKind } from '$lib/contracts';
import { baselineBlocks, blockRows, DriftMonitor } from '$lib/detection';
import { normalFrom } from '$lib/neural/random';

const sensors: Record<string, SensorKind> = {
	flow: 'flow',
	pressure: 'pressure',
	speed: 'speed',
	current: 'current',
	vibration: 'vibration'
};
type Residuals = (name: string, block: number) => number;

/** Runs `blocks` blocks whose residuals (in half-widths of the band) are `mean` plus noise; gives the last status. */
function run(
	monitor: DriftMonitor,
	blocks: number,
	mean: Residuals,
	seed = 1,
	modeId = 'm1',
	from = 0,
	shown: 'network' | 'others' = 'network'
): DriftStatus {
	const normal = normalFrom(seed);
	let last: DriftStatus | undefined;
	for (let block = 0; block < blocks; block++)
		for (let row = 0; row < blockRows; row++) {
			const time = ((from + block) * blockRows + row) * 1000;
			const state: DetectedState = {
				machineId: 'p',
				time,
				modelId: 'm',
				score: modeId === 'new' ? Number.NaN : 0.5,
				anomalous: false,
				...(modeId === 'new' ? { unscored: 'new-mode' as const } : {}),
				mode: 'running',
				modeId,
				deviations:
					modeId === 'new'
						? []
						: Object.keys(sensors).map((sensorName) => {
								const actual = 10 + 2 * (mean(sensorName, block) + 0.3 * normal());
								const ofNetwork = { expected: 10, band: 2 };
								if (shown === 'network') return { sensorName, share: 0.2, actual, ...ofNetwork };
								return { sensorName, share: 0.2, actual, expected: 3, band: 0.5, ofNetwork };
							})
			};
			last = monitor.add(state) ?? last;
		}
	return last!;
}
const calm: Residuals = () => 0;
const monitorOf = () => new DriftMonitor('m', (name) => sensors[name]);

describe('drift', () => {
	test('calm running says nothing, for a day and a half', () => {
		const status = run(monitorOf(), 1000, calm);
		expect(status.blocks).toBe(1000);
		expect(status.finding).toBeUndefined();
	});

	test('a level that wanders with heat and load, within the normal band, says nothing', () => {
		const wander: Residuals = (name, block) => (name === 'pressure' ? 0.15 : 0.1) * Math.sin(block / 40);
		expect(run(monitorOf(), 1000, wander, 9).finding).toBeUndefined();
	});

	test('one process sensor that leaves its relation is a drifting sensor; both directions are seen', () => {
		for (const sign of [1, -1]) {
			const monitor = monitorOf();
			run(monitor, baselineBlocks + 5, calm);
			const status = run(monitor, 40, (name, block) => (name === 'flow' ? sign * 0.03 * block : 0), 2);
			expect(status.finding).toMatchObject({ kind: 'sensor-drift', sensorNames: ['flow'], proposal: 'check-sensor' });
			expect(Math.sign(status.shifts['flow']!)).toBe(sign);
		}
	});

	test('a residual that grows in several sensors, or in vibration alone, is degradation, and retraining is not proposed', () => {
		for (const moving of [['vibration', 'current'], ['vibration']]) {
			const monitor = monitorOf();
			run(monitor, baselineBlocks + 5, calm);
			const status = run(monitor, 25, (name, block) => (moving.includes(name) ? 0.04 * block : 0), 3);
			expect(status.finding).toMatchObject({ kind: 'degradation', proposal: 'look-at-machine' });
			expect(status.finding!.why).toContain('do not retrain');
		}
	});

	test('most sensors at another level that stays is another process; so is a mode that training did not show', () => {
		const monitor = monitorOf();
		run(monitor, baselineBlocks + 5, calm);
		const moved = run(monitor, 30, (name) => (name === 'speed' ? 0 : 0.4), 4);
		expect(moved.finding).toMatchObject({ kind: 'process-change', proposal: 'retrain' });
		const other = monitorOf();
		run(other, baselineBlocks, calm);
		const status = run(other, 12, calm, 5, 'new', baselineBlocks);
		expect(status.finding).toMatchObject({ kind: 'process-change', proposal: 'retrain' });
	});

	test('residuals are those of the network, whatever a finding is shown against', () => {
		const monitor = monitorOf();
		run(monitor, baselineBlocks + 5, calm);
		expect(run(monitor, 30, calm, 9, 'm1', baselineBlocks + 5, 'others').finding).toBeUndefined();
	});

	test('what moved back is forgotten; a reload goes on where it was; another model starts anew', () => {
		const monitor = monitorOf();
		run(monitor, baselineBlocks + 5, calm);
		const drifting = run(monitor, 20, (name) => (name === 'flow' ? 0.5 : 0), 6);
		expect(drifting.finding?.kind).toBe('sensor-drift');
		const reloaded = new DriftMonitor('m', (name) => sensors[name], monitor.kept);
		expect(run(reloaded, 1, (name) => (name === 'flow' ? 0.5 : 0), 7, 'm1', baselineBlocks + 25).finding?.since).toBe(
			drifting.finding!.since
		);
		expect(run(reloaded, 5, calm, 8, 'm1', baselineBlocks + 26).finding).toBeUndefined();
		expect(run(new DriftMonitor('other', () => undefined, monitor.kept), 1, calm).blocks).toBe(1);
	});
});
