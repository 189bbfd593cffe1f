/** Physical sanity of every class: power balances, affinity laws, pressure band, tool life, vibration zones. */
import { describe, expect, it } from 'vitest';
import { createPlant, machineClasses, type PlantConfig } from '../../../simulator';
import type { MachineClassId } from '../../../src/lib/contracts';

type Row = Record<string, number> & { mode: string; machine: string };

const start = Date.UTC(2026, 0, 5, 8);

function record(machineClass: MachineClassId, seconds: number, scenario: PlantConfig['scenario'] = 'healthy'): Row[] {
	const plant = createPlant({
		machines: 4,
		seed: 21,
		classes: [machineClass],
		scenario,
		startTime: start,
		stepMs: 1000
	});
	const rows: Row[] = [];
	for (let i = 0; i < seconds; i++)
		for (const { topic, payload } of plant.step()) rows.push({ ...payload, machine: topic } as unknown as Row);
	return rows;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson correlation. */
function correlation(a: readonly number[], b: readonly number[]): number {
	const [ma, mb] = [mean(a), mean(b)];
	let [ab, aa, bb] = [0, 0, 0];
	for (let i = 0; i < a.length; i++) {
		ab += (a[i]! - ma) * (b[i]! - mb);
		aa += (a[i]! - ma) ** 2;
		bb += (b[i]! - mb) ** 2;
	}
	return ab / Math.sqrt(aa * bb);
}

/** Torque in N·m at rpm, in kW. */
const shaftKw = (row: Row, speed: number) => (row.torque! * speed * Math.PI) / 30000;

describe('centrifugal pump', () => {
	const rows = record('centrifugal-pump', 7200).filter(({ mode }) => mode !== 'off' && mode !== 'start-up');

	it('puts 55 to 80 % of its electrical power into the water', () => {
		const normal = rows.filter(({ mode }) => mode === 'normal' || mode === 'high');
		for (const row of normal) {
			const hydraulicKw = (row.flow! / 3600) * (row.dischargePressure! - row.suctionPressure!) * 100;
			expect(hydraulicKw / row.power!).toBeGreaterThan(0.55);
			expect(hydraulicKw / row.power!).toBeLessThan(0.8);
		}
	});

	it('follows the affinity laws: flow, head and power rise with speed, power by more than its square', () => {
		const slow = rows.filter((row) => row.speed! < 2500 && row.speed! > 2400);
		const fast = rows.filter((row) => row.speed! > 2900);
		const ratio = (of: (row: Row) => number) => mean(fast.map(of)) / mean(slow.map(of));
		const n = ratio((row) => row.speed!);
		expect(ratio((row) => row.flow!)).toBeGreaterThan(n);
		const head = ratio((row) => row.dischargePressure! - row.suctionPressure!);
		expect(head / n ** 2).toBeGreaterThan(0.93);
		expect(head / n ** 2).toBeLessThan(1.05);
		expect(ratio((row) => row.power!)).toBeGreaterThan(n ** 2.5);
	});
});

describe('electric motor', () => {
	const rows = record('electric-motor', 7200).filter(({ mode }) => mode.endsWith('-load'));

	it('delivers 85 to 96 % of what it draws, and draws what voltage and current allow', () => {
		for (const row of rows.filter((row) => row.power! > 15)) {
			const efficiency = shaftKw(row, row.speed!) / row.power!;
			expect(efficiency).toBeGreaterThan(0.85);
			expect(efficiency).toBeLessThan(0.96);
			const factor = (row.power! * 1000) / (Math.sqrt(3) * row.voltage! * row.current!);
			expect(factor).toBeGreaterThan(0.6);
			expect(factor).toBeLessThan(0.95);
		}
	});

	it('slips in proportion to torque', () => {
		const slips = rows.map((row) => 1500 - row.speed!);
		expect(
			correlation(
				slips,
				rows.map((row) => row.torque!)
			)
		).toBeGreaterThan(0.97);
	});
});

describe('cnc spindle', () => {
	const rows = record('cnc-spindle', 7200).filter(({ machine }) => machine.endsWith('spindle-01'));

	it('wears tools only by cutting and starts afresh after a tool change', () => {
		let changes = 0;
		for (let i = 1; i < rows.length; i++) {
			const step = rows[i]!.toolWear! - rows[i - 1]!.toolWear!;
			if (step < -0.05) {
				changes++;
				expect(rows[i - 1]!.mode).toBe('tool-change');
				expect(rows[i]!.toolWear!).toBeLessThan(0.03);
			}
		}
		expect(changes).toBeGreaterThan(4);
		expect(Math.max(...rows.map((row) => row.toolWear!))).toBeLessThan(0.3);
	});

	it('needs more torque for the same cut as the tool wears', () => {
		const roughing = rows.filter((row) => row.mode === 'roughing' && Math.abs(row.speed! - 4000) < 30);
		const worn = roughing.filter((row) => row.toolWear! > 0.15).map((row) => row.torque!);
		const sharp = roughing.filter((row) => row.toolWear! < 0.05).map((row) => row.torque!);
		expect(mean(worn) / mean(sharp)).toBeGreaterThan(1.12);
	});
});

describe('air compressor', () => {
	it('keeps its pressure band by loading and unloading, and balances air in the receiver', () => {
		const rows = record('air-compressor', 7200).filter(
			({ machine, mode }) => machine.endsWith('compressor-01') && (mode === 'loaded' || mode === 'unloaded')
		);
		const pressures = rows.map((row) => row.pressure!);
		expect(Math.min(...pressures)).toBeGreaterThan(6.2);
		expect(Math.max(...pressures)).toBeLessThan(8);
		const loaded = rows.filter(({ mode }) => mode === 'loaded');
		expect(mean(loaded.map((row) => row.power!))).toBeGreaterThan(45);
		expect(mean(rows.filter(({ mode }) => mode === 'unloaded').map((row) => row.power!))).toBeLessThan(25);
		// what is drawn must be delivered: share of time loaded times capacity
		const delivered = (loaded.length / rows.length) * 10;
		expect(delivered / mean(rows.map((row) => row.flow!))).toBeGreaterThan(0.93);
		expect(delivered / mean(rows.map((row) => row.flow!))).toBeLessThan(1.07);
	});

	it('loads more often through a leaking valve', () => {
		const share = (rows: Row[]) => rows.filter(({ mode }) => mode === 'loaded').length / rows.length;
		const leak = [0, 1, 2, 3].map((machine) => ({ machine, fault: 'valve-leak', onset: -100, growth: 50 }));
		expect(share(record('air-compressor', 3600, leak))).toBeGreaterThan(share(record('air-compressor', 3600)) + 0.05);
	});
});

describe('gearbox conveyor', () => {
	it('takes power with the material it carries and delivers 75 to 96 % of it to the shaft', () => {
		const rows = record('gearbox-conveyor', 7200).filter(({ mode }) => mode === 'normal' || mode === 'heavy');
		expect(
			correlation(
				rows.map((row) => row.throughput!),
				rows.map((row) => row.power!)
			)
		).toBeGreaterThan(0.98);
		for (const row of rows) {
			const efficiency = shaftKw(row, row.motorSpeed!) / row.power!;
			expect(efficiency).toBeGreaterThan(0.75);
			expect(efficiency).toBeLessThan(0.96);
		}
	});

	it('slips on the drum when tension is lost, while the motor keeps its speed', () => {
		const slip = [0, 1, 2, 3].map((machine) => ({ machine, fault: 'belt-slip', onset: -100, growth: 50 }));
		const at = (rows: Row[]) => rows.filter(({ mode }) => mode === 'heavy');
		const [faulty, healthy] = [at(record('gearbox-conveyor', 3600, slip)), at(record('gearbox-conveyor', 3600))];
		const ratio = (name: string) => mean(faulty.map((row) => row[name]!)) / mean(healthy.map((row) => row[name]!));
		expect(ratio('beltSpeed')).toBeLessThan(0.9);
		expect(ratio('motorSpeed')).toBeGreaterThan(0.995);
	});
});

describe('hydraulic press', () => {
	it('repeats its stroke exactly in time: approach, press, hold, return', () => {
		const rows = record('hydraulic-press', 3600).filter(
			({ machine, mode }) => machine.endsWith('press-01') && mode === 'product-a'
		);
		const peaks = rows.filter((row) => row.pressure! > 165);
		expect(peaks.length / rows.length).toBeGreaterThan(0.25);
		for (const row of peaks) expect(row.position!).toBeGreaterThan(300);
		for (const row of rows.filter((row) => row.flow! > 90)) expect(row.pressure!).toBeLessThan(120);
		// one stroke is 12 s: the signal repeats after it
		const position = rows.slice(0, 240).map((row) => row.position!);
		expect(correlation(position.slice(0, 200), position.slice(12, 212))).toBeGreaterThan(0.99);
	});
});

describe.each(machineClasses.map((machineClass) => [machineClass.id, machineClass] as const))(
	'%s',
	(id, machineClass) => {
		const [ab, bc] = machineClass.vibrationZones.limits;

		it('vibrates in ISO zone A or B while healthy, warm and below its alarm temperatures', () => {
			const rows = record(id, 7200);
			const vibration = rows.map((row) => row.vibration!);
			expect(Math.max(...vibration)).toBeLessThan(bc);
			expect(mean(vibration)).toBeLessThan(ab);
			for (const { name, kind } of machineClass.sensors)
				if (kind === 'temperature') {
					const values = rows.map((row) => row[name]!);
					expect(Math.min(...values)).toBeGreaterThan(15);
					expect(Math.max(...values)).toBeLessThan(100);
				}
		});

		it('ends in ISO zone C or D by at least one mechanical fault', () => {
			const worst = machineClass.faults.map((fault) => {
				const lines = [0, 1, 2, 3].map((machine) => ({ machine, fault: fault.id, onset: -100, growth: 50 }));
				const vibration = record(id, 900, lines)
					.map((row) => row.vibration!)
					.sort((a, b) => a - b);
				return vibration[Math.floor(vibration.length * 0.75)]!;
			});
			expect(Math.max(...worst)).toBeGreaterThan(bc);
		});

		it("behaves the same at long steps: a minute's step gives the same typical values", () => {
			const run = (stepMs: number) => {
				const plant = createPlant({
					machines: 6,
					seed: 4,
					classes: [id],
					scenario: 'healthy',
					startTime: start,
					stepMs
				});
				const sums = new Map<string, number[]>();
				for (let time = 0; time < 8 * 3_600_000; time += stepMs) {
					if (stepMs === 1000 && time % 15_000 !== 0) plant.fastForward(1);
					else
						for (const { payload } of plant.step())
							for (const { name, kind } of machineClass.sensors)
								if (kind === 'temperature')
									(sums.get(name) ?? sums.set(name, []).get(name)!).push(payload[name] as number);
				}
				return new Map([...sums].map(([name, values]) => [name, mean(values)]));
			};
			const [fine, coarse] = [run(1000), run(60_000)];
			for (const [name, value] of fine) expect(Math.abs(coarse.get(name)! - value), name).toBeLessThan(4);
		});
	}
);
