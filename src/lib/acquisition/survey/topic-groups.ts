/**
 * Data Acquisition, survey: topics of one shape and convention as a group, and what their levels probably mean (ISA-95).
 *
 * In: topics with the convention their payloads follow. Out: groups with a filter each, and a role per level: first what is
 * recognised without any rule (decode/topics.ts), then corrected by what levels are called ("line-2", "devices").
 */
import type { TopicGroup, TopicLevelRole } from '../../contracts';
import { filterTakes } from '../../contracts';
import { SUFFIXES, type LevelRule } from '../decode/topics';

export interface HeardTopic {
	readonly topic: string;
	/** For a person: "JSON", "Sparkplug B", "JSON in CBOR". */
	readonly dialect: string;
	readonly levelsAreFree: boolean;
	/** The topic names one sensor, not a machine. */
	readonly isSingleValue: boolean;
	messages: number;
}

/** With more first levels than this the first level is no part of the filter: it names machines, not a plant. */
const MAX_FIRST_LEVELS = 8;
const EXAMPLES = 4;

/** Levels that only say what follows. */
const CONNECTIVES = new Set(
	(
		'devices,device,machines,machine,assets,asset,equipment,sensors,sensor,data,telemetry,values,measurements,mqtt,iot,uns,v1,v2,' +
		'edge,gateway,live,raw,json'
	).split(',')
);
const ROLE_WORDS: readonly (readonly [RegExp, TopicLevelRole])[] = [
	[/^(site|plant|factory|werk|usine)([-_ ]?\w*)$/i, 'plant'],
	[/^(area|hall|halle|building|department|dept|zone)([-_ ]?\w*)$/i, 'area'],
	[/^(line|linie|ligne)([-_ ]?\w*)$/i, 'line'],
	[/^(cell|zelle|station|workcell)([-_ ]?\w*)$/i, 'cell']
];

export interface Grouped {
	readonly groups: readonly TopicGroup[];
	readonly filterOf: ReadonlyMap<string, string>;
}

/** `rules` are what a person said already: their roles are shown instead of the proposed ones. */
export function groupTopics(topics: readonly HeardTopic[], rules: readonly LevelRule[]): Grouped {
	const firsts = new Map<string, Set<string>>();
	const shapeOf = (heard: HeardTopic) => `${heard.dialect}\n${heard.topic.split('/').length}`;
	for (const heard of topics) {
		const seen = firsts.get(shapeOf(heard)) ?? new Set();
		firsts.set(shapeOf(heard), seen.add(heard.topic.split('/')[0]!));
	}
	const filterOf = new Map<string, string>();
	const members = new Map<string, HeardTopic[]>();
	for (const heard of topics) {
		const levels = heard.topic.split('/');
		const keepsFirst = !heard.levelsAreFree || firsts.get(shapeOf(heard))!.size <= MAX_FIRST_LEVELS;
		const filter = heard.levelsAreFree
			? [keepsFirst ? levels[0]! : '+', ...levels.slice(1).map(() => '+')].join('/')
			: `${levels[0]!}/#`;
		filterOf.set(heard.topic, filter);
		const key = `${filter}\n${heard.dialect}`;
		const group = members.get(key);
		if (group) group.push(heard);
		else members.set(key, [heard]);
	}
	const perFilter = new Map<string, Set<boolean>>();
	for (const [key, group] of members) {
		const filter = key.slice(0, key.indexOf('\n'));
		perFilter.set(filter, (perFilter.get(filter) ?? new Set()).add(group[0]!.isSingleValue));
	}
	const groups = [...members].map(([key, group]) => {
		const filter = key.slice(0, key.indexOf('\n'));
		return describeGroup(filter, group, perFilter.get(filter)!.size > 1, rules);
	});
	return { groups: groups.sort((a, b) => b.topics - a.topics || a.filter.localeCompare(b.filter)), filterOf };
}

function describeGroup(
	filter: string,
	group: readonly HeardTopic[],
	isMixed: boolean,
	rules: readonly LevelRule[]
): TopicGroup {
	const [first] = group;
	const free = first!.levelsAreFree && !isMixed;
	const columns = free ? columnsOf(group) : [];
	const recognised = free ? recognisedRoles(columns, first!.isSingleValue) : [];
	const stated = rules.find((rule) => rule.filter === filter || filterTakes(rule.filter, first!.topic))?.levels;
	const roles = stated
		? columns.map((_, i) => stated[Math.min(i, stated.length - 1)]!)
		: improveRoles(columns, recognised);
	return {
		filter,
		dialect: first!.dialect,
		topics: group.length,
		messages: group.reduce((sum, { messages }) => sum + messages, 0),
		examples: group.slice(0, 3).map(({ topic }) => topic),
		recognised: roles.every((role, i) => role === recognised[i]),
		...(free && {
			levels: columns.map((values, i) => ({
				role: roles[i]!,
				values: [...values].slice(0, EXAMPLES),
				distinct: values.size
			}))
		})
	};
}

function columnsOf(group: readonly HeardTopic[]): Set<string>[] {
	const columns: Set<string>[] = [];
	for (const { topic } of group)
		for (const [i, level] of topic.split('/').entries()) (columns[i] ??= new Set()).add(level);
	return columns;
}

/** What `resolveTopic` makes of such topics without a rule. */
export function recognisedRoles(columns: readonly ReadonlySet<string>[], isSingleValue: boolean): TopicLevelRole[] {
	const roles: TopicLevelRole[] = columns.map(() => 'skip');
	const isSuffix = (i: number) => [...columns[i]!].every((level) => SUFFIXES.has(level.toLowerCase()));
	const isEmpty = (i: number) => [...columns[i]!].every((level) => level.trim() === '');
	const named = columns.flatMap((_, i) => (isEmpty(i) ? [] : [i]));
	if (named.length > 1 && isSuffix(named.at(-1)!)) named.pop();
	if (isSingleValue && named.length > 1) {
		roles[named.pop()!] = 'sensor';
		if (named.length > 1 && isSuffix(named.at(-1)!)) named.pop();
	}
	const machine = named.pop();
	if (machine !== undefined) roles[machine] = 'machine';
	for (const [i, role] of rolesAbove(named.length).entries()) roles[named[i]!] = role;
	return roles;
}

/** Of so many levels above the machine, outermost first (see `pathOfLevels`). */
function rolesAbove(count: number): TopicLevelRole[] {
	const inner = (['plant', 'area', 'line'] as const).slice(0, count);
	return [...Array<TopicLevelRole>(Math.max(0, count - 3)).fill('enterprise'), ...inner];
}

const RANKS: readonly TopicLevelRole[] = ['enterprise', 'plant', 'area', 'line', 'cell'];

/** Words in the levels tell more than their position does: "devices" is no area, "line-2" is a line wherever it stands. */
function improveRoles(
	columns: readonly ReadonlySet<string>[],
	recognised: readonly TopicLevelRole[]
): TopicLevelRole[] {
	const roles = [...recognised];
	const all = (i: number, test: (level: string) => boolean) => [...columns[i]!].every(test);
	const above = roles.flatMap((role, i) => (i < roles.indexOf('machine') && role !== 'skip' ? [i] : []));
	const places = above.filter((i) => !all(i, (level) => CONNECTIVES.has(level.toLowerCase())));
	for (const i of above) roles[i] = 'skip';
	const positional = rolesAbove(places.length);
	const worded = places.map(
		(i, n) => ROLE_WORDS.find(([pattern]) => all(i, (level) => pattern.test(level)))?.[1] ?? positional[n]!
	);
	// Words count only where they keep the order from outside to inside.
	const ranks = worded.map((role) => RANKS.indexOf(role));
	const isOrdered = ranks.every((rank, n) => n === 0 || rank > ranks[n - 1]! || (rank === 0 && ranks[n - 1] === 0));
	places.forEach((i, n) => (roles[i] = isOrdered ? worded[n]! : positional[n]!));
	return roles;
}
