/**
 * Dialect: Sparkplug B 3.0 (Eclipse Sparkplug specification 3.0.0): `spBv1.0/<group>/<type>/<edge node>[/<device>]`, protobuf.
 *
 * Births give names to aliases and units to metrics; `seq` is followed per edge node, and a gap, an unknown alias or data before
 * a birth asks the node for a rebirth. Deaths count only with the `bdSeq` of the present birth, and make machines offline. Plant = group, area = edge
 * node, machine = device (or the edge node itself). Where a birth may have been missed, what only it explains waits for the next (edge-nodes.ts).
 */
import type { BornMetric, EpochMs } from '../../contracts';
import { describeValue } from '../decode/numbers';
import { placeOfLevels, sensorNameOf } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace, SensorDescription, ValueExtras } from '../message';
import { EdgeNodes, type EdgeNode } from './edge-nodes';
import {
	MAX_TEMPLATE_DEPTH,
	numberOf,
	numericValue,
	readPayload,
	Type,
	type Metric,
	type Payload
} from './sparkplug-payload';

const NAMESPACE = 'spBv1.0/';
const REBIRTH_EVERY_MS = 10_000;

const NODE_DIED = 'its broker session ended (Sparkplug death certificate of the edge node)';
const DEVICE_DIED = 'its edge node lost it (Sparkplug death certificate of the device)';
const BORN = 'it introduced itself (Sparkplug birth certificate)';

export function createSparkplugB(nodes = new EdgeNodes()): Dialect {
	return new SparkplugB(nodes);
}

/** A message whose payload has been read, and where it belongs. */
interface NodeMessage {
	readonly incoming: IncomingMessage;
	readonly payload: Payload;
	readonly node: EdgeNode;
	/** `<group>/<edge node>`. */
	readonly nodeKey: string;
	/** Empty: the edge node itself. */
	readonly device: string;
	readonly place: MachinePlace;
	readonly isBirth: boolean;
}

class SparkplugB implements Dialect {
	readonly id = 'sparkplug-b';
	readonly title = 'Sparkplug B';
	readonly levelsAreFree = false;
	readonly #places = new Map<string, MachinePlace | undefined>();

	constructor(private readonly nodes: EdgeNodes) {}

	claims(message: IncomingMessage, text: string | undefined): boolean {
		if (message.topic.startsWith(NAMESPACE)) return true;
		// Hosts of version 2.2 state themselves as STATE/<host>.
		return /^(ONLINE|OFFLINE)$/.test(text ?? '') && /^STATE\/[^/]+$/.test(message.topic);
	}

	decode(incoming: IncomingMessage, _text: string, _json: unknown, sink: DecodeSink): void {
		const [, group, type, edgeNode, device = '', ...more] = incoming.topic.split('/');
		const isCommand = type === 'NCMD' || type === 'DCMD';
		if (isCommand || group === 'STATE' || !incoming.topic.startsWith(NAMESPACE)) return sink.understood();
		if (!group || !edgeNode || more.length > 0)
			return sink.reject('no-machine-in-topic', 'a Sparkplug topic is spBv1.0/group/type/node[/device]');
		const place = this.#place(group, edgeNode, device);
		if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
		let payload: Payload;
		try {
			payload = readPayload(incoming.payload);
		} catch (error) {
			return sink.reject('no-values', `damaged Sparkplug payload: ${(error as Error).message}`);
		}
		if (payload.compressed) return sink.reject('no-values', 'compressed Sparkplug payloads are not read');
		const nodeKey = `${group}/${edgeNode}`;
		if (type === 'NDEATH') return this.#death(nodeKey, place, payload, sink);
		if (type !== 'NBIRTH' && type !== 'DBIRTH' && type !== 'NDATA' && type !== 'DDATA' && type !== 'DDEATH')
			return sink.reject('unknown-field', `Sparkplug message type ${describeValue(type)}`);
		const isBirth = type === 'NBIRTH' || type === 'DBIRTH';
		const message = { incoming, payload, node: this.nodes.of(nodeKey), nodeKey, device, place, isBirth };
		if (incoming.againAt === undefined) this.#count(message, type === 'NBIRTH', sink);
		sink.understood();
		if (type === 'DDEATH') return sink.presence(place, { online: false, reason: DEVICE_DIED });
		if (isBirth) {
			this.#learn(message, sink);
			sink.presence(place, { online: true, reason: BORN });
		} else if (incoming.againAt === undefined && this.#waits(message, sink)) return;
		this.#emit(message, payload.metrics, payload.time, '', 0, sink);
	}

	#death(nodeKey: string, place: MachinePlace, payload: Payload, sink: DecodeSink): void {
		sink.understood();
		const node = this.nodes.get(nodeKey);
		const bdSeq = numberOf(payload.metrics.find(({ name }) => name === 'bdSeq'));
		// A late death of an earlier connection says nothing about this one.
		if (node?.isSure && bdSeq !== undefined && node.bdSeq !== undefined && bdSeq !== node.bdSeq) return;
		this.nodes.forget(nodeKey);
		sink.presence(place, { online: false, reason: NODE_DIED, within: true });
	}

	#count(message: NodeMessage, isNodeBirth: boolean, sink: DecodeSink): void {
		const { node, nodeKey, payload, incoming, isBirth } = message;
		if (isNodeBirth) {
			node.begin(numberOf(payload.metrics.find(({ name }) => name === 'bdSeq')), incoming.receivedAt);
			node.beginCount(payload.seq, incoming.receivedAt);
		} else {
			const missing = node.follow(payload.seq, incoming.receivedAt);
			if (missing !== undefined) {
				sink.reject('sequence-gap', `${nodeKey}: ${missing}`);
				this.#askRebirth(message, sink);
			}
		}
		this.nodes.note(nodeKey, isBirth);
	}

	#askRebirth(
		{ node, nodeKey, incoming: { receivedAt, againAt: now = receivedAt } }: NodeMessage,
		sink: DecodeSink
	): void {
		if (now - node.askedAt < REBIRTH_EVERY_MS) return;
		node.askedAt = now;
		const [group, edgeNode] = nodeKey.split('/');
		sink.ask(`${NAMESPACE}${group}/NCMD/${edgeNode}`, rebirthRequest(now));
	}

	#learn({ node, nodeKey, device, place, payload }: NodeMessage, sink: DecodeSink): void {
		const metrics = [...bornMetrics(payload.metrics, device, '', 0)];
		node.learn(device, metrics);
		const units = new Map<string, SensorDescription>();
		for (const { name, unit } of metrics) if (unit && !isControl(name)) units.set(sensorOf(name), { unit });
		if (units.size > 0) sink.describe(place, undefined, units);
		if (node.isSure) sink.release(heldFor(nodeKey, device));
	}

	/** Keeps the message until the next birth, if it holds what only that will explain. */
	#waits(message: NodeMessage, sink: DecodeSink): boolean {
		const { node, nodeKey, device, payload } = message;
		const isAwaited = payload.metrics.some(
			(metric) =>
				needsBirth(metric, node.find(metric.alias, device, metric.name)) &&
				node.isAwaited(metric.alias, device, metric.name)
		);
		if (!isAwaited || !sink.hold(heldFor(nodeKey, device))) return false;
		this.#askRebirth(message, sink);
		return true;
	}

	#emit(
		message: NodeMessage,
		metrics: readonly Metric[],
		time: EpochMs | undefined,
		prefix: string,
		depth: number,
		sink: DecodeSink
	): void {
		const { node, nodeKey, device, place, isBirth, incoming } = message;
		const isAgain = incoming.againAt !== undefined;
		for (const metric of metrics) {
			const alias = depth === 0 ? metric.alias : undefined;
			const stated = metric.name === undefined ? undefined : prefix + metric.name;
			const known = isAgain ? node.findAgreed(alias, device, stated) : node.find(alias, device, stated);
			const name = stated ?? known?.name;
			if (name === undefined && depth > 0) continue;
			if (name !== undefined && isControl(name)) continue;
			// Data may leave the type out (specification 6.4.16); an integer then has a sign that only the birth tells.
			if (name === undefined || needsBirth(metric, known)) {
				const what =
					name === undefined
						? `alias ${alias ?? 'missing'} is unknown`
						: `the type of '${name}' is not known before its birth`;
				const since = node.find(alias, device, stated) ? BIRTHS_DISAGREE : NO_BIRTH;
				sink.reject('sequence-gap', `${nodeKey}: ${what}${isAgain ? since : ''}`);
				this.#askRebirth(message, sink);
				continue;
			}
			if (!metric.template) emitMetric(metric, name, known, place, time, isBirth, sink);
			else if (!metric.template.isDefinition && depth < MAX_TEMPLATE_DEPTH)
				this.#emit(message, metric.template.metrics, metric.time ?? time, `${name}/`, depth + 1, sink);
		}
	}

	#place(group: string, node: string, device: string): MachinePlace | undefined {
		const key = `${group}/${node}/${device}`;
		if (!this.#places.has(key)) {
			if (this.#places.size > 200_000) this.#places.clear();
			this.#places.set(key, placeOfLevels(device ? [group, node, device] : [group, node]));
		}
		return this.#places.get(key);
	}
}

const BIRTHS_DISAGREE = ', since the births before and after it disagree: left out';
const NO_BIRTH =
	', and no birth has told since: left out. May this device publish to spBv1.0/+/NCMD/+, and does the edge node answer a rebirth request?';

const heldFor = (nodeKey: string, device: string) => `${NAMESPACE}${nodeKey}/${device}`;
const sensorOf = (name: string) => sensorNameOf(name.replaceAll('/', '.'));

/** Metrics of the protocol itself. */
function isControl(name: string): boolean {
	return name === 'bdSeq' || /^(Node Control|Device Control|Node Info|Device Info|Properties)\//.test(name);
}

/** Whether name or sign of what it holds is told by a birth alone, and none that holds has. */
function needsBirth(metric: Metric, known: BornMetric | undefined): boolean {
	if (known) return false;
	return metric.name === undefined || (metric.type === 0 && typeof metric.value === 'object');
}

/** The metrics of a birth with those of their templates, by their whole names. */
function* bornMetrics(
	metrics: readonly Metric[],
	device: string,
	prefix: string,
	depth: number
): Generator<BornMetric> {
	for (const { name, alias, type, unit, template } of metrics) {
		if (name === undefined) continue;
		const whole = prefix + name;
		yield {
			device,
			name: whole,
			type,
			...(alias !== undefined && depth === 0 && { alias }),
			...(unit && { unit })
		};
		if (template && !template.isDefinition && depth < MAX_TEMPLATE_DEPTH)
			yield* bornMetrics(template.metrics, device, `${whole}/`, depth + 1);
	}
}

function emitMetric(
	metric: Metric,
	name: string,
	known: BornMetric | undefined,
	place: MachinePlace,
	payloadTime: EpochMs | undefined,
	isBirth: boolean,
	sink: DecodeSink
): void {
	const type = metric.type || known?.type || Type.unknown;
	// Births list every metric, text and tables among them: only data that cannot be used is worth counting.
	if (metric.isNull) {
		if (!isBirth) sink.reject('not-a-number', `metric '${name}' is null`);
		return;
	}
	const value = numericValue(metric, type);
	if (value === undefined) {
		if (!isBirth)
			sink.reject(
				'unknown-field',
				`metric '${name}': ${metric.other ?? describeValue(metric.value)} is no measured value`
			);
		return;
	}
	if (!Number.isFinite(value)) return sink.reject('not-a-number', `metric '${name}': ${value} is not a number`);
	const unit = metric.unit ?? known?.unit;
	const extras: ValueExtras = {
		...(unit && { unit }),
		...(metric.quality !== undefined && { quality: metric.quality }),
		...(metric.historical && { historical: true })
	};
	sink.value(place, sensorOf(name), value, metric.time ?? payloadTime, extras);
}

/** Payload of the command "Node Control/Rebirth" = true (specification 6.4.20). */
export function rebirthRequest(now: EpochMs): Uint8Array {
	const name = new TextEncoder().encode('Node Control/Rebirth');
	const time: number[] = [];
	for (let rest = Math.floor(now); ; rest = Math.floor(rest / 128)) {
		if (rest < 128) {
			time.push(rest);
			break;
		}
		time.push((rest % 128) | 0x80);
	}
	const metric = [0x0a, name.length, ...name, 0x18, ...time, 0x20, Type.boolean, 0x70, 1];
	return Uint8Array.from([0x08, ...time, 0x12, metric.length, ...metric]);
}
