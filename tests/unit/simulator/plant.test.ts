/** What a plant tells: topics, descriptions, ground truth, scenarios, resolution, modes, sensor faults, refusals. */
import { describe, expect, it } from 'vitest';
import { createPlant, machineClasses, scenarios, sensorFaultModes, type PlantConfig } from '../../../simulator';
import { machineClassIds, MillwrightError, sensorKinds } from '../../../src/lib/contracts';

const start = Date.UTC(2026, 0, 5, 8);
const base: PlantConfig = { machines: 12, seed: 3, scenario: 'healthy', startTime: start, stepMs: 1000 };
const minute = 60_000;

describe('a plant', () => {
	it('sends one message per machine and step, stamped with the step, on its ISA-95 topic', () => {
		const plant = createPlant(base);
		const messages = plant.step();
		expect(messages).toHaveLength(12);
		expect(new Set(messages.map(({ topic }) => topic)).size).toBe(12);
		expect(messages[0]!.topic).toBe('rotterdam/utilities/cooling-water/pump-01');
		for (const { payload, retain } of messages) {
			expect(payload.ts).toBe(start + 1000);
			expect(retain).toBe(false);
		}
		expect(plant.time).toBe(start + 1000);
	});

	it('describes every machine on a retained topic, sensors as they are sent', () => {
		const plant = createPlant(base);
		const live = new Map(plant.step().map(({ topic, payload }) => [topic, payload]));
		for (const { topic, payload, retain } of plant.meta()) {
			expect(retain).toBe(true);
			const sent = live.get(topic.replace(/\/_meta$/, ''))!;
			const described = payload.sensors as Record<string, { unit: string; kind: string; range: number[] }>;
			expect(Object.keys(described).sort()).toEqual(
				Object.keys(sent)
					.filter((name) => name !== 'ts' && name !== 'mode')
					.sort()
			);
			expect(machineClassIds).toContain(payload.machineClass);
			for (const { unit, kind, range } of Object.values(described)) {
				expect(unit).not.toBe('');
				expect(sensorKinds).toContain(kind);
				expect(range[0]).toBeLessThan(range[1]!);
			}
		}
	});

	it('has all six classes, each with 6 to 9 sensors and at least three faults of its own', () => {
		expect(machineClasses.map(({ id }) => id).sort()).toEqual([...machineClassIds].sort());
		for (const { sensors, faults, modes, startMode } of machineClasses) {
			expect(sensors.length).toBeGreaterThanOrEqual(6);
			expect(sensors.length).toBeLessThanOrEqual(9);
			expect(faults.length).toBeGreaterThanOrEqual(3);
			const ids = modes.map((mode) => mode.id);
			expect(ids).toContain(startMode);
			for (const mode of modes) for (const next of Object.keys(mode.next ?? {})) expect(ids).toContain(next);
			for (const fault of faults)
				for (const name of Object.keys(fault.effects)) expect(sensors.map((sensor) => sensor.name)).toContain(name);
		}
	});

	it("rounds to each sensor's resolution and stays in its range, through faults to the end", () => {
		const plant = createPlant({ ...base, machines: 24, scenario: 'mixed', horizonMs: 10 * minute });
		const classOf = new Map(plant.machines.map((machine) => [machine.topic, machine.machineClass]));
		for (let i = 0; i < 900; i++)
			for (const { topic, payload } of plant.step())
				for (const { name, resolution, validRange } of classOf.get(topic)!.sensors) {
					const value = payload[name] as number | undefined;
					if (value === undefined) continue;
					const steps = value / resolution;
					if (!Number.isFinite(value) || Math.abs(steps - Math.round(steps)) > 1e-6)
						expect.fail(`${topic} ${name} = ${value} is no multiple of ${resolution}`);
					if (value < validRange[0] || value > validRange[1]) expect.fail(`${topic} ${name} = ${value} out of range`);
				}
	});

	it('visits every declared mode', () => {
		for (const machineClass of machineClasses) {
			const plant = createPlant({ ...base, machines: 6, classes: [machineClass.id] });
			const seen = new Set<unknown>();
			for (let i = 0; i < 4 * 3600; i++) for (const { payload } of plant.step()) seen.add(payload.mode);
			const phases = machineClass.modes.filter((mode) => !mode.seconds);
			// where a machine enters phases by itself, they stand for the loads it is given
			const expected = machineClass.modes.filter(
				(mode) => phases.length === 0 || !mode.seconds || mode.id === 'off' || mode.id === 'start-up'
			);
			for (const mode of expected) expect(seen, machineClass.id).toContain(mode.id);
		}
	});
});

describe('ground truth', () => {
	it('names onset, the moment of severity 0.1, and the event, and grows from 0 to 1', () => {
		const plant = createPlant({
			...base,
			machines: 1,
			classes: ['centrifugal-pump'],
			scenario: [{ machine: 0, fault: 'bearing-wear', onset: 1, growth: 4 }]
		});
		const [planned] = plant.groundTruth();
		expect(planned).toMatchObject({ onset: start + minute, timeOfEvent: start + 5 * minute, severity: 0, at: start });
		let last = 0;
		let crossed: number | undefined;
		for (let i = 0; i < 360; i++) {
			plant.fastForward(1);
			const { severity } = plant.groundTruth()[0]!;
			expect(severity).toBeGreaterThanOrEqual(last);
			if (severity >= 0.1) crossed ??= plant.time;
			last = severity;
		}
		expect(last).toBe(1);
		expect(Math.abs(crossed! - planned!.detectableFrom)).toBeLessThanOrEqual(1000);
		expect(planned!.affectedSensors[0]).toBe('vibration');
	});

	it('counts scenario times from the moment the plant goes live, stretched to the horizon', () => {
		const config = { ...base, scenario: 'demo', liveFrom: start + 60 * minute };
		const truths = createPlant(config).groundTruth();
		const pump = truths.find(({ machineId }) => machineId.endsWith('pump-01'))!;
		expect(pump.onset).toBe(start - 30 * minute);
		const live = createPlant(config);
		live.fastForward(3600);
		expect(live.groundTruth().find(({ machineId }) => machineId.endsWith('pump-01'))!.severity).toBeGreaterThan(0.3);
		const week = createPlant({ ...base, stepMs: minute, scenario: 'bearing-wear', horizonMs: 7 * 24 * 60 * minute });
		for (const { onset, timeOfEvent } of week.groundTruth()) expect(timeOfEvent - onset).toBe(7 * 24 * 20 * minute);
	});

	it('the demo has one fault visible from the start and two that begin later, on different classes', () => {
		const truths = createPlant({ ...base, scenario: 'demo' }).groundTruth();
		expect(truths.filter(({ severity }) => severity > 0.3)).toHaveLength(1);
		const later = truths.filter(({ onset }) => onset > start);
		expect(later.map(({ detectableFrom }) => detectableFrom < start + 26 * minute)).toEqual([true, true]);
		expect(new Set(truths.map(({ machineId }) => machineId)).size).toBe(3);
	});
});

describe('scenarios', () => {
	it('there is one per fault of any class, and each shows on a plant of one machine', () => {
		const faults = [
			...machineClasses.flatMap((c) => c.faults.map(({ id }) => id)),
			...sensorFaultModes.map(({ id }) => id)
		];
		for (const fault of faults) {
			expect(scenarios.map(({ id }) => id)).toContain(fault);
			const truths = createPlant({ ...base, machines: 1, scenario: fault }).groundTruth();
			expect(truths.map((truth) => truth.fault)).toEqual([fault]);
		}
	});

	it('mixed draws other faults with another seed, healthy has none', () => {
		const draw = (seed: number) => createPlant({ ...base, machines: 30, seed, scenario: 'mixed' }).groundTruth();
		expect(draw(1)).not.toEqual(draw(2));
		expect(draw(1).length).toBeGreaterThan(3);
		expect(createPlant({ ...base, machines: 30 }).groundTruth()).toEqual([]);
	});

	it('refuses what does not exist, saying what does', () => {
		const refusal = (config: Partial<PlantConfig>) => {
			try {
				createPlant({ ...base, ...config });
			} catch (error) {
				expect(error).toBeInstanceOf(MillwrightError);
				return (error as MillwrightError).message;
			}
			return expect.fail('accepted');
		};
		expect(refusal({ scenario: 'rust' })).toMatch(/"rust".*demo, healthy.*cavitation/);
		expect(refusal({ scenario: [{ machine: 0, fault: 'tool-wear', onset: 0, growth: 1 }] })).toMatch(
			/no fault "tool-wear"/
		);
		expect(
			refusal({ scenario: [{ machine: 0, fault: 'sensor-drift', sensor: 'taste', onset: 0, growth: 1 }] })
		).toMatch(/no sensor "taste"/);
		expect(refusal({ machines: 0 })).toMatch(/machines/);
		expect(refusal({ machines: 1.5 })).toMatch(/machines/);
		expect(refusal({ stepMs: NaN })).toMatch(/stepMs/);
		expect(refusal({ seed: NaN })).toMatch(/seed/);
	});
});

describe('sensor faults', () => {
	const withFault = (fault: string, sensor?: string) => {
		const config = { ...base, machines: 1, classes: ['electric-motor' as const] };
		const faulty = createPlant({ ...config, scenario: [{ machine: 0, fault, sensor, onset: 0, growth: 10 }] });
		return { faulty, healthy: createPlant(config) };
	};

	it('drift moves one sensor and leaves the others alone', () => {
		const { faulty, healthy } = withFault('sensor-drift', 'windingTemperature');
		faulty.fastForward(598);
		healthy.fastForward(598);
		const [a, b] = [faulty.step()[0]!.payload, healthy.step()[0]!.payload];
		expect((a.windingTemperature as number) - (b.windingTemperature as number)).toBeCloseTo(0.15 * 55 + 1.2, 0);
		expect({ ...a, windingTemperature: 0 }).toEqual({ ...b, windingTemperature: 0 });
		expect(faulty.groundTruth()[0]!.affectedSensors).toEqual(['windingTemperature']);
	});

	it('a stuck sensor repeats one value from severity 0.1 on', () => {
		const { faulty } = withFault('sensor-stuck', 'current');
		const before = Array.from({ length: 55 }, () => faulty.step()[0]!.payload.current);
		expect(new Set(before).size).toBeGreaterThan(5);
		faulty.fastForward(10);
		const after = Array.from({ length: 400 }, () => faulty.step()[0]!.payload.current);
		expect(new Set(after).size).toBe(1);
	});

	it('dropout loses the field, link dropout the message, in bursts that become more frequent', () => {
		const { faulty } = withFault('sensor-dropout', 'torque');
		const present = Array.from({ length: 600 }, () => 'torque' in faulty.step()[0]!.payload);
		const lost = (part: boolean[]) => part.filter((here) => !here).length;
		expect(lost(present.slice(0, 200))).toBeLessThan(lost(present.slice(400)));
		expect(lost(present.slice(400))).toBeGreaterThan(100);
		const link = withFault('link-dropout').faulty;
		const counts = Array.from({ length: 600 }, () => link.step().length);
		expect(counts.filter((count) => count === 0).length).toBeGreaterThan(150);
		expect(counts.slice(0, 30).filter((count) => count === 1).length).toBeGreaterThan(20);
	});
});
