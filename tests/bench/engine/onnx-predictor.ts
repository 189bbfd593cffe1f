/**
 * Benchmark: the reference net as an ONNX model, written by hand (protobuf), for onnxruntime-web. In: Keras weights. Out: the
 * bytes of a model with input X [steps, batch, features] and output Y [steps * batch, features].
 */
import { features, units, weightParts } from './reference-net';

type Bytes = number[];

function varint(value: number): Bytes {
	const bytes: Bytes = [];
	while (value > 127) {
		bytes.push((value & 127) | 128);
		value = Math.floor(value / 128);
	}
	bytes.push(value);
	return bytes;
}

const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
/** Not a spread call: weights are too many arguments. */
const bytes = (field: number, value: ArrayLike<number>): Bytes =>
	[varint(field * 8 + 2), varint(value.length), Array.from(value)].flat();
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value));

const FLOAT = 1;
const INT64 = 7;

function tensor(name: string, dims: readonly number[], values: Float32Array | BigInt64Array): Bytes {
	const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
	const type = values instanceof Float32Array ? FLOAT : INT64;
	return [dims.flatMap((size) => integer(1, size)), integer(2, type), text(8, name), bytes(9, raw)].flat();
}

function node(operation: string, inputs: readonly string[], output: string, hiddenSize?: number): Bytes {
	const attribute = [...text(1, 'hidden_size'), ...integer(3, hiddenSize ?? 0), ...integer(20, 2)];
	return [
		...inputs.flatMap((name) => text(1, name)),
		...text(2, output),
		...text(4, operation),
		...(hiddenSize === undefined ? [] : bytes(5, attribute))
	];
}

function valueInfo(name: string, dims: readonly (string | number)[]): Bytes {
	const shape = dims.flatMap((size) => bytes(1, typeof size === 'number' ? integer(1, size) : text(2, size)));
	const tensorType = [...integer(1, FLOAT), ...bytes(2, shape)];
	return [...text(1, name), ...bytes(2, bytes(1, tensorType))];
}

/** Keras [inputs, 4U] in gate order i, f, c, o to ONNX [4U, inputs] in i, o, f, c. */
function gateRows(kernel: Float32Array, inputs: number, size: number): Float32Array {
	const out = new Float32Array(kernel.length);
	[0, 3, 1, 2].forEach((gate, place) => {
		for (let unit = 0; unit < size; unit++)
			for (let k = 0; k < inputs; k++)
				out[(place * size + unit) * inputs + k] = kernel[k * 4 * size + gate * size + unit]!;
	});
	return out;
}

export function makeOnnxPredictor(): Uint8Array {
	const nodes: Bytes[] = [];
	const initializers: Bytes[] = [
		tensor('axis', [1], BigInt64Array.of(1n)),
		tensor('rows', [2], BigInt64Array.of(-1n, BigInt(units.at(-1)!)))
	];
	let input = 'X';
	let inputs = features;
	units.forEach((size, k) => {
		const [kernel, recurrent, bias] = weightParts.slice(3 * k, 3 * k + 3) as [Float32Array, Float32Array, Float32Array];
		// ONNX adds an input and a recurrent bias; Keras has one.
		const biases = new Float32Array(8 * size);
		biases.set(gateRows(bias, 1, size));
		initializers.push(
			tensor(`W${k}`, [1, 4 * size, inputs], gateRows(kernel, inputs, size)),
			tensor(`R${k}`, [1, 4 * size, size], gateRows(recurrent, size, size)),
			tensor(`B${k}`, [1, 8 * size], biases)
		);
		nodes.push(
			node('LSTM', [input, `W${k}`, `R${k}`, `B${k}`], `L${k}`, size),
			node('Squeeze', [`L${k}`, 'axis'], `S${k}`)
		);
		input = `S${k}`;
		inputs = size;
	});
	const [kernel, bias] = weightParts.slice(-2) as [Float32Array, Float32Array];
	initializers.push(tensor('DW', [inputs, features], kernel), tensor('DB', [features], bias));
	nodes.push(node('Reshape', [input, 'rows'], 'flat'), node('Gemm', ['flat', 'DW', 'DB'], 'Y'));
	const graph = [
		nodes.map((one) => bytes(1, one)).flat(),
		text(2, 'predictor'),
		initializers.map((one) => bytes(5, one)).flat(),
		bytes(11, valueInfo('X', ['steps', 'batch', features])),
		bytes(12, valueInfo('Y', ['rows', features]))
	].flat();
	const opset = [...text(1, ''), ...integer(2, 14)];
	return Uint8Array.from([integer(1, 8), bytes(7, graph), bytes(8, opset)].flat());
}
