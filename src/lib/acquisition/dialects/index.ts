/** The dialects in the order they are asked; the first that claims a message decodes it. A new one is one file and one line. */
import type { TopicCache } from '../decode/topics';
import type { Dialect } from '../message';
import { createMeta } from './meta';
import { createPlainJson } from './plain-json';
import { createSingleValue } from './single-value';
import { createSparkplugB } from './sparkplug-b';

export function createDialects(topics: TopicCache): Dialect[] {
	return [createSparkplugB(), createMeta(topics), createPlainJson(topics), createSingleValue(topics)];
}
