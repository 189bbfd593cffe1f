/**
 * Where telemetry comes from: settings a person edits, validated at the edge (storage, form).
 */
import * as v from 'valibot';

/** What a level of a topic may be (ISA-95). Enterprise and plant together are the plant, line and cell the line; "skip" is left out. */
export const topicLevelRoles = ['skip', 'enterprise', 'plant', 'area', 'line', 'cell', 'machine', 'sensor'] as const;
export type TopicLevelRole = (typeof topicLevelRoles)[number];

/** Protocol level in an MQTT CONNECT: 4 is MQTT 3.1.1, 5 is MQTT 5. */
const MqttVersionSchema = v.picklist([4, 5]);
export type MqttVersion = v.InferOutput<typeof MqttVersionSchema>;
/** As people and specifications call it. */
export type MqttVersionName = '5' | '3.1.1';
export const mqttVersionName = (version: MqttVersion): MqttVersionName => (version === 5 ? '5' : '3.1.1');

export const BrokerSettingsSchema = v.object({
	url: v.pipe(
		v.string(),
		v.trim(),
		v.regex(/^wss?:\/\/[^\s/]+/i, 'The address must start with ws:// or wss:// and name a host'),
		v.maxLength(2048)
	),
	protocolVersion: MqttVersionSchema,
	username: v.optional(v.string()),
	password: v.optional(v.string()),
	/** One topic filter or several, separated by commas or spaces. */
	topicFilter: v.pipe(v.string(), v.trim(), v.minLength(1, 'A topic filter is needed; # takes everything')),
	qos: v.picklist([0, 1]),
	/** Which topic levels are which, outermost first; undefined: recognised from the topic. */
	topicLevels: v.optional(v.array(v.picklist(topicLevelRoles))),
	/** Name under which this device tells Sparkplug edge nodes that their primary host is there; undefined: it does not. */
	sparkplugHostId: v.optional(
		v.pipe(
			v.string(),
			v.trim(),
			v.regex(/^[^/+#\s]{1,128}$/, 'A host name without spaces, slashes, + and #, of at most 128 characters')
		)
	)
});
export type BrokerSettings = v.InferOutput<typeof BrokerSettingsSchema>;

export const DemoSettingsSchema = v.object({
	machines: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500)),
	seed: v.pipe(v.number(), v.integer()),
	scenario: v.string(),
	/** Simulated history made on the first start, minutes. */
	historyMinutes: v.pipe(v.number(), v.minValue(0), v.maxValue(1440))
});
export type DemoSettings = v.InferOutput<typeof DemoSettingsSchema>;

export const SourceSettingsSchema = v.variant('kind', [
	v.object({ kind: v.literal('none') }),
	v.object({ kind: v.literal('demo'), demo: DemoSettingsSchema }),
	v.object({ kind: v.literal('broker'), broker: BrokerSettingsSchema })
]);
export type SourceSettings = v.InferOutput<typeof SourceSettingsSchema>;

/** The demo's data and the plant's never mix: each is a database of its own. */
export const workspaceNames = ['plant', 'demo'] as const;
export type WorkspaceName = (typeof workspaceNames)[number];
