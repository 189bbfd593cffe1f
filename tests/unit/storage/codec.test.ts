import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeColumn, encodeColumn } from '$lib/storage/codec/column';
import { decodeResiduals, encodeResiduals } from '$lib/storage/codec/range-coder';
import { encodeSegment, Segment, type SeriesTable } from '$lib/storage/codec/segment';
import { MillwrightError } from '$lib/contracts';

function expectSameBits(values: Float64Array) {
	const back = decodeColumn(encodeColumn(values), values.length);
	const bits = (column: Float64Array) =>
		Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
	expect(bits(back)).toBe(bits(values));
}

/** Deterministic normal-ish noise. */
function noise(seed: number) {
	let state = seed >>> 0 || 1;
	const next = () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 4294967296;
	};
	return () => next() + next() + next() + next() - 2;
}

describe('whole numbers', () => {
	test('come back exactly, whatever their size and sign', () => {
		fc.assert(
			fc.property(
				fc.array(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -3, max: 3 })), { maxLength: 300 }),
				(list) => {
					const values = Float64Array.from(list, (value) => value + 0);
					expect([...decodeResiduals(encodeResiduals(values), values.length)].map((x) => x + 0)).toEqual([...values]);
				}
			)
		);
	});
	test('long runs of small residuals take little room', () => {
		const random = noise(3);
		const values = Float64Array.from({ length: 50_000 }, () => Math.round(random() * 2) + 0);
		const coded = encodeResiduals(values);
		expect(decodeResiduals(coded, values.length)).toEqual(values);
		expect(coded.length / values.length).toBeLessThan(0.35);
	});
});

describe('value columns are bit for bit', () => {
	test('any doubles at all, NaN payloads included', () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)), { maxLength: 60 }), (words) => {
				expectSameBits(new Float64Array(Uint32Array.from(words.flat()).buffer));
			})
		);
	});
	test('doubles of every kind mixed', () => {
		const special = fc.constantFrom(
			0,
			-0,
			NaN,
			Infinity,
			-Infinity,
			5e-324,
			-5e-324,
			2.2250738585072014e-308,
			Number.MAX_VALUE,
			2 ** 53
		);
		fc.assert(
			fc.property(fc.array(fc.oneof(fc.double(), fc.float(), special, fc.integer()), { maxLength: 200 }), (list) => {
				expectSameBits(Float64Array.from(list));
			})
		);
	});
	test('decimals with a special value here and there', () => {
		const decimal = fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(9)).map(([n, e]) => Number(`${n}e-${e}`));
		fc.assert(
			fc.property(
				fc.array(decimal, { minLength: 1, maxLength: 300 }),
				fc.array(fc.tuple(fc.nat(299), fc.constantFrom(NaN, -0, Infinity, 1 / 3)), { maxLength: 5 }),
				(list, specials) => {
					const values = Float64Array.from(list);
					for (const [at, value] of specials) if (at < values.length) values[at] = value;
					expectSameBits(values);
				}
			)
		);
	});
	test.each([
		[
			'random walk of two decimals',
			(i: number, r: () => number) => Math.round(5000 + 100 * Math.sin(i / 50) + 4 * r()) / 100
		],
		['single precision', (i: number, r: () => number) => Math.fround(20 + Math.sin(i / 30) + r())],
		['full doubles', (i: number, r: () => number) => 20 + Math.sin(i / 30) + r()],
		['few levels', (i: number, r: () => number) => Math.round(r() * 3) * 0.327927 + 0.054711],
		['constant', () => 7.25],
		['epoch milliseconds', (i: number) => 1_763_880_000_000 + 1000 * i],
		[
			'epoch milliseconds with jitter',
			(i: number, r: () => number) => 1_763_880_000_000 + 1000 * i + Math.round(3 * r())
		]
	])('%s', (_, make) => {
		const random = noise(11);
		expectSameBits(Float64Array.from({ length: 3000 }, (_, i) => make(i, random)));
	});
});

describe('segments', () => {
	const tables = (): SeriesTable[] => {
		const times = Float64Array.from({ length: 500 }, (_, i) => 1_763_880_000_000 + 1000 * i);
		return [
			{
				series: 3,
				times,
				columns: [times.map((_, i) => Math.round(100 * Math.sin(i / 9)) / 10), new Float64Array(500)]
			},
			{ series: 9, times: times.slice(), columns: [times.map((_, i) => i % 4), new Float64Array(500).fill(1)] },
			{ series: 12, times: times.slice(0, 7), columns: [new Float64Array(7).fill(NaN), new Float64Array(7).fill(2)] }
		];
	};
	test('give every table back', () => {
		const segment = new Segment(encodeSegment(tables()));
		expect(segment.tables()).toEqual(tables());
		expect(segment.has(4)).toBe(false);
	});
	test('a damaged segment is refused with words, never read wrongly', () => {
		const bytes = encodeSegment(tables());
		fc.assert(
			fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
				const damaged = bytes.slice();
				damaged[at]! ^= flip;
				expect(() => new Segment(damaged)).toThrow(MillwrightError);
			})
		);
		expect(() => new Segment(bytes.slice(0, bytes.length - 5))).toThrow(/damaged/);
		expect(() => new Segment(new Uint8Array(3))).toThrow(MillwrightError);
	});
});
