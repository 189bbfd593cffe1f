/** Vibration zones and fault hypotheses: graded where everything is declared, refused with the reason where not, ranked by evidence. */
import { describe, expect, test } from 'vitest';
import { gradeVibration, rankHypotheses, zoneOf } from '../../../src/lib/health';
import { readSpectra } from '../../../src/lib/manipulation';
import { sensorLevels, waveformLevel } from '../../../src/lib/workers/diagnosis/levels';
import { readWaveformCsv } from '../../../src/lib/workers/diagnosis/csv-waveforms';
import { createPlant } from '../../../simulator';
import { waveformClasses, waveformSampleRateHz } from '../../../simulator/waveforms';

describe('ISO 20816 zones', () => {
	test('follow the declared group, its edition shown', () => {
		const graded = gradeVibration({ channel: 'nde', velocityRms: 3 }, { vibrationGroup: 'group-2-rigid' });
		expect(graded).toMatchObject({ zone: 'C', limits: [1.4, 2.8, 4.5], basis: 'ISO 10816-3:2009 group 2, rigid' });
		expect(gradeVibration({ channel: 'nde', velocityRms: 3 }, { vibrationGroup: 'group-1-flexible' }).zone).toBe('A');
	});

	test("a person's own limits win and are called that", () => {
		const graded = gradeVibration(
			{ channel: 'nde', velocityRms: 3 },
			{ vibrationGroup: 'class-1', zoneLimits: [4, 5, 6] }
		);
		expect(graded).toMatchObject({ zone: 'A', basis: 'own limits in place of ISO 10816-1:1995 class I' });
	});

	test('a zone does not flap at its limit', () => {
		const limits = [1.4, 2.8, 4.5] as const;
		expect(zoneOf(2.81, limits, 'B')).toBe('C');
		expect(zoneOf(2.75, limits, 'C')).toBe('C');
		expect(zoneOf(2.6, limits, 'C')).toBe('B');
	});

	test('refuse, with the reason, without group, unit, rate or velocity', () => {
		const sensor = { id: 'm:v', machineId: 'm', name: 'v', kind: 'vibration', firstSeen: 0 } as const;
		const latest = new Map([['m:v', { time: 1, value: 3, quality: 0 }]]);
		expect(gradeVibration({ channel: 'v', velocityRms: 3 }, {}).refused).toMatch(/group .* is not declared/);
		expect(sensorLevels([sensor], latest)[0]!.refused).toMatch(/unit is unknown/);
		expect(sensorLevels([{ ...sensor, unit: 'g' }], latest)[0]!.refused).toMatch(/acceleration/);
		expect(sensorLevels([{ ...sensor, unit: 'in/s' }], latest)[0]!.velocityRms).toBeCloseTo(76.2, 6);
		const waveform = { machineId: 'm', channel: 'v', time: 1, samples: new Float32Array(256).fill(1) };
		expect(waveformLevel(waveform).refused).toMatch(/sampling rate .* unknown/);
		expect(waveformLevel({ ...waveform, sampleRateHz: 1000, unit: 'g' }).refused).toMatch(/need at least 2560 Hz/);
		expect(waveformLevel({ ...waveform, sampleRateHz: 10_000 }).refused).toMatch(/unit of its waveforms is unknown/);
	});
});

/** The newest waveform of a plant of one machine whose fault is at its event. */
function recorded(machineClass: 'centrifugal-pump' | 'electric-motor' | 'gearbox-conveyor', fault?: string) {
	const plant = createPlant({
		machines: 1,
		classes: [machineClass],
		seed: 11,
		scenario: fault ? [{ machine: 0, fault, onset: -60, growth: 50 }] : [],
		startTime: 1_763_856_000_000,
		stepMs: 1000,
		waveforms: { everyMs: 1000 }
	});
	const message = plant.step().find(({ topic }) => topic.endsWith('/waveform/driveEnd'))!;
	const { samples, sampleRate, unit, rpm } = message.payload as {
		samples: number[];
		sampleRate: number;
		unit: string;
		rpm: number;
	};
	const waveform = {
		machineId: 'm',
		channel: 'driveEnd',
		time: 0,
		samples: Float32Array.from(samples),
		sampleRateHz: sampleRate,
		unit,
		shaftRpm: rpm
	};
	return { waveform, ...readSpectra(waveform, waveformClasses[machineClass]!.declared.geometry!, rpm / 60) };
}

describe('fault hypotheses from a waveform alone', () => {
	test.each([
		['centrifugal-pump', 'bearing-wear', 'bearing'],
		['electric-motor', 'misalignment', 'misalignment'],
		['electric-motor', 'imbalance', 'imbalance'],
		['gearbox-conveyor', 'gear-crack', 'gear']
	] as const)('%s with %s: %s comes first', (machineClass, fault, expected) => {
		const { findings } = recorded(machineClass, fault);
		const ranked = rankHypotheses({ machineClass, deviations: [], findings });
		expect(ranked[0]?.id, JSON.stringify(ranked)).toBe(expected);
		expect(ranked[0]!.evidence[0]).toMatch(/Hz\) stands \d+ times above the noise/);
	});

	test('the bearing fault raises the outer race line, not the healthy machine', () => {
		const at = ({ findings }: ReturnType<typeof recorded>) => findings.find(({ id }) => id === 'bpfo')!.prominence;
		expect(at(recorded('centrifugal-pump', 'bearing-wear'))).toBeGreaterThan(5);
		expect(at(recorded('centrifugal-pump'))).toBeLessThan(5);
	});

	test.each(['centrifugal-pump', 'electric-motor', 'gearbox-conveyor'] as const)(
		'a healthy %s suggests nothing',
		(machineClass) => {
			const { findings } = recorded(machineClass);
			expect(rankHypotheses({ machineClass, deviations: [], findings })).toEqual([]);
		}
	);

	test('with vibration high, the envelope decides for the bearing', () => {
		const { findings } = recorded('centrifugal-pump', 'bearing-wear');
		const vibration = { sensorName: 'vibration', share: 0.97, actual: 2.5, expected: 0.7, band: 0.14 };
		const ranked = rankHypotheses({ machineClass: 'centrifugal-pump', deviations: [vibration], findings });
		expect(ranked[0]!.id, JSON.stringify(ranked)).toBe('bearing');
	});

	test('sensors speak too: low suction with high vibration is cavitation', () => {
		const deviation = (sensorName: string, share: number, actual: number) => ({
			sensorName,
			share,
			actual,
			expected: 1,
			band: 0.1
		});
		const ranked = rankHypotheses({
			machineClass: 'centrifugal-pump',
			deviations: [deviation('suctionPressure', 0.6, 0.5), deviation('vibration', 0.4, 1.5)],
			findings: []
		});
		expect(ranked[0]!.id).toBe('cavitation');
		expect(ranked[0]!.evidence[0]).toMatch(/suction pressure is below/);
	});
});

test('waveforms change no other value of a machine, and are the same for the same seed', () => {
	const config = { machines: 6, seed: 3, scenario: 'demo', startTime: 1_763_856_000_000, stepMs: 1000 };
	const plain = createPlant(config);
	const waved = createPlant({ ...config, waveforms: { everyMs: 2000 } });
	const again = createPlant({ ...config, waveforms: { everyMs: 2000 } });
	let seen = 0;
	for (let i = 0; i < 5; i++) {
		const [a, b, c] = [plain.step(), waved.step(), again.step()];
		expect(b.filter(({ topic }) => !topic.includes('/waveform/'))).toEqual(a);
		expect(c).toEqual(b);
		seen += b.length - a.length;
	}
	expect(seen).toBeGreaterThan(5);
	expect(waveformSampleRateHz).toBeGreaterThanOrEqual(2560);
});

test('waveforms of the history made later are the ones that steps would have made, each machine in order', () => {
	const startTime = 1_763_856_000_000;
	const config = { machines: 6, seed: 3, scenario: 'demo', startTime, liveFrom: startTime + 6_000, stepMs: 1000 };
	const now = createPlant({ ...config, waveforms: { everyMs: 2000 } });
	const later = createPlant({ ...config, waveforms: { everyMs: 2000, historyLater: true } });
	const isWaveform = ({ topic }: { topic: string }) => topic.includes('/waveform/');
	const expected = [];
	for (let i = 0; i < 9; i++) {
		expected.push(...now.step().filter(isWaveform));
		expect(later.step().filter(isWaveform)).toEqual([]);
	}
	const made = [];
	for (let one = later.laterWaveform(); one; one = later.laterWaveform()) made.push(one);
	expect(made).toEqual(expected);
	// None waits any more: live ones come with their step again.
	expect([...later.step(), ...later.step()].some(isWaveform)).toBe(true);
});

describe('a waveform file', () => {
	const body = Array.from({ length: 40 }, (_, i) => `${i},${-i}`);
	test('one column a channel, with or without a head line, decimal commas where cells are parted otherwise', () => {
		const read = readWaveformCsv(['de,nde', ...body].join('\n'));
		expect(read.channels).toEqual(['de', 'nde']);
		expect(read.columns[1]![3]).toBe(-3);
		expect(readWaveformCsv(body.join('\r\n')).channels).toEqual(['channel-1', 'channel-2']);
		expect(readWaveformCsv(body.map((_, i) => `${i},5;1`).join('\n')).columns[0]![2]).toBe(2.5);
	});
	test('names the line and column that is no number', () => {
		const spoilt = ['de,nde', ...body];
		spoilt[7] = '6,x';
		expect(() => readWaveformCsv(spoilt.join('\n'))).toThrow(/Line 8, nde: "x" is not a number/);
		expect(() => readWaveformCsv('1\n2')).toThrow(/at least 32 samples; the file has 2/);
	});
});
