/** A failure classifier from rows and from days: what is learnt, told of rows not seen, and refused for want of failures. */
import { expect, test } from 'vitest';
import {
	MillwrightError,
	defaultRiskCosts,
	usableRiskMethods,
	type FleetDays,
	type RiskTable
} from '../../../src/lib/contracts';
import { startEngine } from '../../../src/lib/neural';
import { normalFrom, randomFrom } from '../../../src/lib/neural/random';
import { FailureClassifier } from '../../../src/lib/prognostics';
import { riskRowsOfFleet, riskRowsOfTable, trainRisk, type KeptPieces } from '../../../src/lib/training';

const context = {
	id: 'risk-1',
	title: 'Milling',
	description: 'made here',
	createdAt: 0,
	costs: defaultRiskCosts,
	seed: 1,
	lstm: false,
	engine: () => Promise.reject(new Error('no engine is needed')),
	now: () => 0
};

/** Fails where torque times speed is beyond a limit (overload), or by chance. */
function milling(count: number): RiskTable {
	const random = randomFrom(4);
	const values = Float64Array.from({ length: count * 2 }, (_, k) => (k % 2 === 0 ? 30 + 30 * random() : 1 + random()));
	const overload = Uint8Array.from({ length: count }, (_, i) => (values[2 * i]! * values[2 * i + 1]! > 100 ? 1 : 0));
	return {
		inputs: [{ name: 'torque' }, { name: 'speed' }],
		values,
		ids: Array.from({ length: count }, (_, i) => String(i)),
		labels: overload,
		modes: [
			{ name: 'overload', labels: overload },
			{ name: 'rare', labels: overload.map((_, i) => (i < 3 ? 1 : 0)) }
		]
	};
}

test('rows: judged on folds, kept with the threshold of the costs, the product found as the reason', async () => {
	const { pkg, lookBack } = await trainRisk(riskRowsOfTable(milling(800), true), context);
	const { version } = pkg;
	expect(version.method).toBe('forest');
	expect(version.thresholds).toEqual([500 / 10_500]);
	expect(version.targets[0]!.forest.f1).toBeGreaterThan(0.9);
	expect(version.targets[0]!.influence[0]!.name).toBe('torque × speed');
	// Too few rows failed of the second mode to learn it.
	expect(version.modes.map(({ name }) => name)).toEqual(['overload']);
	expect(lookBack.targets[0]!.forest.every((p) => p >= 0 && p <= 1)).toBe(true);
	const [failing] = new FailureClassifier(pkg).predict(Float64Array.from([58, 1.95, 58 * 1.95, 58 - 1.95]), ['x'], 1);
	expect(failing!.probabilities[0]).toBeGreaterThan(0.9);
	expect(failing!.modes[0]).toMatchObject({ name: 'overload' });
	expect(failing!.reasons![0]).toMatchObject({ feature: 'torque × speed', above: 1 });
	const told = failing!.base + failing!.rest + failing!.reasons!.reduce((sum, { points }) => sum + points, 0);
	expect(told).toBeCloseTo(failing!.probabilities[0]!, 9);
});

test('rows: an LSTM that was asked for is judged, kept, and speaks with reasons once a person chooses it', async () => {
	const engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
	try {
		const rows = riskRowsOfTable({ ...milling(240), modes: [] }, false);
		const { pkg } = await trainRisk(rows, { ...context, lstm: true, engine: () => Promise.resolve(engine) });
		expect(usableRiskMethods(pkg.version)).toEqual(['forest', 'linear', 'lstm']);
		const [target] = pkg.version.targets;
		const briers = usableRiskMethods(pkg.version).map((method) => target![method]!.brier);
		expect(target![pkg.version.method]!.brier).toBe(Math.min(...briers));
		const speaking = { ...pkg, version: { ...pkg.version, method: 'lstm' as const } };
		const [failing, running] = new FailureClassifier(speaking).predict(
			Float64Array.of(58, 1.95, 32, 1.05),
			['a', 'b'],
			2
		);
		expect(failing!.probabilities[0]).toBeGreaterThan(0.5);
		expect(running!.probabilities[0]).toBeLessThan(0.1);
		expect(failing!.reasons!.every(({ points }) => points > 0)).toBe(true);
		const told = failing!.base + failing!.rest + failing!.reasons!.reduce((sum, { points }) => sum + points, 0);
		expect(told).toBeCloseTo(failing!.probabilities[0]!, 9);
	} finally {
		engine.dispose();
	}
});

/** Vibration rises for four days before a failure, which comes every so many days. */
function fleet(machines: number, days: number): FleetDays {
	return {
		machines: Array.from({ length: machines }, (_, m) => {
			const normal = normalFrom(m + 1);
			const random = randomFrom(m + 50);
			const failures: number[] = [];
			for (let at = 12 + 20 * random(); at < days; at += 20 + 30 * random()) failures.push(at);
			const telemetry = Float64Array.from({ length: days }, (_, day) => {
				const next = failures.find((at) => at > day + 1);
				return 5 + 0.3 * normal() + (next !== undefined && next - day < 5 ? 2 : 0);
			});
			return {
				id: `m${m}`,
				from: 0,
				days: {
					telemetry,
					channelNames: ['vibration'],
					days,
					errors: [],
					replacements: [{ component: 'bearing', at: failures }],
					failures,
					constants: []
				},
				modes: [{ name: 'bearing', at: failures }]
			};
		})
	};
}

test.each([
	['whole machines', 8, 120, 'units'],
	['stretches of one machine', 1, 700, 'stretches']
] as const)('days: within 24 h, 72 h and 7 d, held out by %s', async (_, machines, days, heldOut) => {
	const data = riskRowsOfFleet(fleet(machines, days));
	expect(data.targets.map(({ horizonHours }) => horizonHours)).toEqual([24, 72, 168]);
	// What follows the last days is not known: they are neither learnt from nor judged.
	expect([...data.targets[2]!.machines!.role.slice(days - 7, days)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
	const { pkg } = await trainRisk(data, context);
	expect(pkg.version.heldOut).toBe(heldOut);
	for (const target of pkg.version.targets) {
		const share = target.positives / target.rows;
		expect(target.forest.prAuc).toBeGreaterThan(2 * share);
		expect(target.forest.brier).toBeLessThan(share * (1 - share));
	}
	expect(pkg.version.modes[0]!.name).toBe('bearing');
});

test('too few failures are refused, with how many there are', () => {
	const few = milling(200);
	const labels = few.labels.map((_, i) => (i < 9 ? 1 : 0));
	expect(() => riskRowsOfTable({ ...few, labels }, true)).toThrow(/at least 10 rows that failed; there are 9/);
	expect(() => riskRowsOfFleet(fleet(1, 100))).toThrow(/at least 10 failures/);
});

test('a training that was left goes on from its last piece, to the same model', async () => {
	const rows = riskRowsOfTable(milling(300), false);
	const whole = await trainRisk(rows, context);
	const kept = new Map<string, unknown>();
	const pieces = (most: number): KeptPieces => ({
		load: (name) => Promise.resolve(structuredClone(kept.get(name)) as never),
		save: async (name, piece) => {
			if (kept.size >= most) throw new MillwrightError('worker-crashed', 'gone');
			kept.set(name, structuredClone(piece));
		},
		onProblem: (error) => {
			throw error;
		}
	});
	await expect(trainRisk(rows, { ...context, pieces: pieces(4) })).rejects.toThrow('gone');
	expect(kept.size).toBe(4);
	let made = 0;
	const rest = pieces(Infinity);
	const again = await trainRisk(rows, {
		...context,
		pieces: { ...rest, save: (name, piece) => rest.save(name, piece).then(() => void made++) },
		spentSeconds: 7
	});
	// Five folds and a last forest for the failure and for its one mode; four were kept.
	expect(made).toBe(12 - 4);
	expect(again.pkg.targets).toEqual(whole.pkg.targets);
	expect(again.lookBack).toEqual(whole.lookBack);
	expect({ ...again.pkg.version, seconds: 0 }).toEqual({ ...whole.pkg.version, seconds: 0 });
	expect(again.pkg.version.seconds).toBe(7);
});
