/** For tests: writes Sparkplug B payloads, independent of the reader under test. */
type Field = number[];

export function varint(value: bigint | number): number[] {
	let rest = BigInt.asUintN(64, BigInt(value));
	const bytes: number[] = [];
	do {
		const more = rest > 127n;
		bytes.push(Number(rest & 127n) | (more ? 128 : 0));
		rest >>= 7n;
	} while (rest > 0n);
	return bytes;
}
const tag = (field: number, wire: number) => varint((field << 3) | wire);
export const number = (field: number, value: bigint | number): Field => [...tag(field, 0), ...varint(value)];
export const bytes = (field: number, value: ArrayLike<number>): Field => [
	...tag(field, 2),
	...varint(value.length),
	...Array.from(value)
];
export const text = (field: number, value: string): Field => bytes(field, new TextEncoder().encode(value));
export const float = (field: number, value: number): Field => [
	...tag(field, 5),
	...new Uint8Array(Float32Array.of(value).buffer)
];
export const double = (field: number, value: number): Field => [
	...tag(field, 1),
	...new Uint8Array(Float64Array.of(value).buffer)
];

export interface MetricSpec {
	name?: string;
	alias?: number;
	time?: number;
	type?: number;
	historical?: boolean;
	isNull?: boolean;
	unit?: string;
	quality?: number;
	/** The value field as bytes, e.g. `number(10, 5)`. */
	value?: Field;
}

export function metric(spec: MetricSpec): number[] {
	const keys: Field[] = [];
	const values: Field[] = [];
	if (spec.unit !== undefined) {
		keys.push(text(1, 'engUnit'));
		values.push(bytes(2, [...number(1, 12), ...text(8, spec.unit)]));
	}
	if (spec.quality !== undefined) {
		keys.push(text(1, 'Quality'));
		values.push(bytes(2, [...number(1, 3), ...number(3, spec.quality)]));
	}
	return [
		...(spec.name !== undefined ? text(1, spec.name) : []),
		...(spec.alias !== undefined ? number(2, spec.alias) : []),
		...(spec.time !== undefined ? number(3, spec.time) : []),
		...(spec.type !== undefined ? number(4, spec.type) : []),
		...(spec.historical ? number(5, 1) : []),
		...(spec.isNull ? number(7, 1) : []),
		...(keys.length > 0 ? bytes(9, [...keys.flat(), ...values.flat()]) : []),
		...(spec.value ?? [])
	];
}

export function payload(time: number, seq: number | undefined, metrics: readonly MetricSpec[]): Uint8Array {
	return Uint8Array.from([
		...number(1, time),
		...metrics.flatMap((spec) => bytes(2, metric(spec))),
		...(seq === undefined ? [] : number(3, seq))
	]);
}
