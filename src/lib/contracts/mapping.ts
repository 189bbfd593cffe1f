/**
 * What a person made of a source: which topic levels mean what, how machines and sensors are called, their units and kinds, and
 * what is left out. Kept in settings, applied by Data Acquisition to every message, exported and imported as one JSON file.
 *
 * Machines and sensors are told apart by the names the decoders give them; what a mapping does not name keeps those names.
 */
import * as v from 'valibot';
import { MillwrightError } from './error';
import { cleanLevel, type AssetPath } from './identity';
import { machineClassIds, sensorKinds } from './machine';
import { topicLevelRoles } from './source';

export const MAPPING_FORMAT = 'millwright-mapping';
export const MAPPING_VERSION = 1;
/** Where the mapping of a workspace is kept in its settings. */
export const MAPPING_KEY = 'mapping';
/** A mapping of 10,000 topics is about 2 MB; a larger file is something else. */
const MAX_MAPPING_CHARACTERS = 64 * 1024 * 1024;

const Name = v.pipe(v.string('a text is expected'), v.trim(), v.minLength(1, 'it is empty'), v.maxLength(500));
const Level = v.pipe(v.string('a text is expected'), v.trim(), v.minLength(1, 'it is empty'), v.maxLength(200));
const TopicFilter = v.pipe(
	Name,
	v.check((filter) => isTopicFilter(filter), 'it is no topic filter')
);

export const SourceMappingSchema = v.object({
	format: v.literal(MAPPING_FORMAT, `"format" must be "${MAPPING_FORMAT}"`),
	version: v.literal(MAPPING_VERSION),
	/** The first whose filter takes a topic counts. */
	groups: v.array(
		v.object({
			filter: TopicFilter,
			/** Outermost level first; undefined: recognised. Levels beyond the last belong to it. */
			levels: v.optional(v.pipe(v.array(v.picklist(topicLevelRoles)), v.minLength(1))),
			ignored: v.optional(v.boolean())
		})
	),
	machines: v.array(
		v.object({
			/** Id as decoders give it. Several with one path are one machine. */
			source: Name,
			path: v.optional(
				v.object({
					plant: v.optional(Level),
					area: v.optional(Level),
					line: v.optional(Level),
					machine: Level
				})
			),
			machineClass: v.optional(v.picklist(machineClassIds)),
			ignored: v.optional(v.boolean())
		})
	),
	sensors: v.array(
		v.object({
			/** One machine, as decoders name it; undefined: all whose topics `filter` takes. */
			machine: v.optional(Name),
			filter: v.optional(TopicFilter),
			/** Name as decoders give it. */
			sensor: Name,
			name: v.optional(Level),
			/** "1": the person says that it has none. */
			unit: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(40))),
			kind: v.optional(v.picklist(sensorKinds)),
			/** Values outside are stored as bad. */
			range: v.optional(
				v.pipe(
					v.tuple([v.number(), v.number()]),
					v.check(([low, high]) => low < high, 'the lower end must be below the upper')
				)
			),
			ignored: v.optional(v.boolean())
		})
	)
});
export type SourceMapping = v.InferOutput<typeof SourceMappingSchema>;
export type TopicGroupRule = SourceMapping['groups'][number];
export type MachineRule = SourceMapping['machines'][number];
export type SensorRule = SourceMapping['sensors'][number];

export const emptyMapping: SourceMapping = {
	format: MAPPING_FORMAT,
	version: MAPPING_VERSION,
	groups: [],
	machines: [],
	sensors: []
};

/**
 * A mapping file's text as a mapping. Fields that are not known are left out.
 * @throws MillwrightError `invalid-file`, naming the first place that is wrong
 */
export function parseMapping(text: string): SourceMapping {
	const refuse = (message: string, details: Record<string, unknown> = {}): never => {
		throw new MillwrightError('invalid-file', message, details);
	};
	if (text.length > MAX_MAPPING_CHARACTERS) refuse('This file is far larger than a mapping ever is');
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		refuse(`This is no JSON file: ${(error as Error).message}`);
	}
	if (typeof json !== 'object' || json === null || Array.isArray(json))
		refuse('This is no mapping file: it holds no JSON object');
	const { format, version } = json as { format?: unknown; version?: unknown };
	if (format !== MAPPING_FORMAT)
		refuse(`This is no mapping file: its "format" is not "${MAPPING_FORMAT}"`, { format: String(format) });
	if (version !== MAPPING_VERSION)
		refuse(
			`This mapping file has version ${String(version).slice(0, 20)}; this Millwright reads version ${MAPPING_VERSION}`,
			{ version }
		);
	const parsed = v.safeParse(SourceMappingSchema, json);
	if (!parsed.success) {
		const issues = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'file'}: ${issue.message}`);
		refuse(`This mapping file cannot be used: ${issues[0]}`, { issues: issues.slice(0, 20) });
	}
	return parsed.output as SourceMapping;
}

export function writeMapping(mapping: SourceMapping): string {
	return `${JSON.stringify(mapping, undefined, '\t')}\n`;
}

/** MQTT 5, 4.7: "+" stands for one level, "#" alone and last for any number of levels, also none. */
export function isTopicFilter(filter: string): boolean {
	const levels = filter.split('/');
	return (
		filter !== '' &&
		levels.every((level, i) =>
			level.includes('#') ? level === '#' && i === levels.length - 1 : !level.includes('+') || level === '+'
		)
	);
}

export function filterTakes(filter: string, topic: string): boolean {
	const wanted = filter.split('/');
	const levels = topic.split('/');
	if (topic.startsWith('$') && (wanted[0] === '#' || wanted[0] === '+')) return false;
	for (const [i, level] of wanted.entries()) {
		if (level === '#') return true;
		if (i >= levels.length || (level !== '+' && level !== levels[i])) return false;
	}
	return wanted.length === levels.length;
}

/** A path with its levels as ids hold them. */
export function cleanPath(path: AssetPath): AssetPath {
	const { plant, area, line, machine } = path;
	return {
		...(plant?.trim() && { plant: cleanLevel(plant) }),
		...(area?.trim() && { area: cleanLevel(area) }),
		...(line?.trim() && { line: cleanLevel(line) }),
		machine: cleanLevel(machine)
	};
}
