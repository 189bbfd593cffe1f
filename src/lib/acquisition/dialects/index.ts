/**
 * The dialects in the order they are asked; the first that claims a message decodes it. A new one is one file and one line.
 * First those that a topic tells for sure, then those that the form of the payload tells, last what takes anything.
 */
import type { TopicCache } from '../decode/topics';
import type { Dialect } from '../message';
import { createCsvLines } from './csv-lines';
import type { EdgeNodes } from './edge-nodes';
import { createHomie } from './homie';
import { createInflux } from './influx';
import { createKepware } from './kepware';
import { createLorawan } from './lorawan';
import { createMeta } from './meta';
import { createOpcUaJson } from './opc-ua-json';
import { createPlainJson } from './plain-json';
import { createSenml } from './senml';
import { createSingleValue } from './single-value';
import { createSparkplugB } from './sparkplug-b';
import { createTasmota } from './tasmota';
import { createThingsboard } from './thingsboard';
import { createUmh } from './umh';
import { createWaveform } from './waveform';
import { createZigbee2mqtt } from './zigbee2mqtt';

export function createDialects(topics: TopicCache, edgeNodes: EdgeNodes): Dialect[] {
	return [
		createSparkplugB(edgeNodes),
		createZigbee2mqtt(),
		createHomie(),
		createTasmota(),
		createThingsboard(),
		createLorawan(),
		createUmh(),
		createMeta(topics),
		createOpcUaJson(topics),
		createSenml(topics),
		createKepware(topics),
		createInflux(topics),
		createWaveform(topics),
		createPlainJson(topics),
		createCsvLines(topics),
		createSingleValue(topics)
	];
}
