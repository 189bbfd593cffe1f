/**
 * Neural, WebGPU: a compute shader as data. In: parameter fields, storage bindings and WGSL text. Out: the whole module text
 * with its declarations, so that what JavaScript writes and what the shader reads come from one list.
 */

export type FieldType = 'u32' | 'i32' | 'f32';

export interface ShaderSource {
	/** Scalars of the uniform `p`, in order. */
	readonly fields: Readonly<Record<string, FieldType>>;
	/** Storage buffers: element type, and whether the shader writes. Every one of them must be used in the text. */
	readonly buffers: Readonly<Record<string, readonly [element: string, access: 'read' | 'read_write']>>;
	/** Invocations in a workgroup: at most 256, which every adapter has. */
	readonly invocations: number;
	/** Module-scope declarations. */
	readonly head?: string;
	/** Body of the entry point; knows `group` (workgroup), `groups` (their count) and `lane` (number in the workgroup). */
	readonly body: string;
}

export interface Shader {
	readonly code: string;
	readonly fields: ShaderSource['fields'];
	/** Names of the storage buffers, in order of binding, from 1. */
	readonly buffers: readonly string[];
}

export function makeShader(source: ShaderSource): Shader {
	const fields = Object.entries(source.fields).map(([name, type]) => `\t${name}: ${type},`);
	const buffers = Object.entries(source.buffers).map(
		([name, [element, access]], k) => `@group(0) @binding(${k + 1}) var<storage, ${access}> ${name}: array<${element}>;`
	);
	const code = `struct Params {
${fields.join('\n')}
}
@group(0) @binding(0) var<uniform> p: Params;
${buffers.join('\n')}
${source.head ?? ''}
@compute @workgroup_size(${source.invocations})
fn main(
	@builtin(workgroup_id) group: vec3u,
	@builtin(num_workgroups) groups: vec3u,
	@builtin(local_invocation_index) lane: u32
) {
${source.body}
}
`;
	return { code, fields: source.fields, buffers: Object.keys(source.buffers) };
}

/** Repeats WGSL text for 0..count-1. */
export function each(count: number, text: (k: number) => string, between = '\n'): string {
	return Array.from({ length: count }, (_, k) => text(k)).join(between);
}

/** Sigmoid and tanh that cannot overflow, on scalars; the built-in tanh gives NaN for large arguments on some drivers. */
export const gateMath = `
fn logistic(x: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(x, -60.0, 60.0))); }
fn squash(x: f32) -> f32 {
	let e = exp(2.0 * clamp(x, -15.0, 15.0));
	return (e - 1.0) / (e + 1.0);
}
`;
