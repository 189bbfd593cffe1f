/** State, pure: roles, kinds and what was (not) heard, in words. */
import type { SensorKind, SourceSurvey, TopicLevelRole } from '$lib/contracts';
import { formatCount, formatDuration } from '$lib/words';

export const roleWords: Readonly<Record<TopicLevelRole, string>> = {
	skip: 'Not used',
	enterprise: 'Enterprise',
	plant: 'Site or plant',
	area: 'Area',
	line: 'Line',
	cell: 'Cell or station',
	machine: 'Machine',
	sensor: 'Sensor'
};

export const kindWords: Readonly<Record<SensorKind, string>> = {
	temperature: 'Temperature',
	vibration: 'Vibration',
	pressure: 'Pressure',
	flow: 'Flow',
	current: 'Current',
	voltage: 'Voltage',
	power: 'Power',
	speed: 'Speed',
	torque: 'Torque',
	wear: 'Wear',
	level: 'Level',
	position: 'Position',
	state: 'State or switch',
	other: 'Other'
};

export interface HeardWords {
	readonly title: string;
	readonly text: string;
	readonly remedies: readonly string[];
}

/** Why there is nothing to map, and what to do; undefined when there is something. */
export function nothingHeard(survey: SourceSurvey, filter: string, online: boolean): HeardWords | undefined {
	if (survey.sensors.length > 0) return undefined;
	if (!online)
		return { title: 'No network', text: 'This device is offline.', remedies: ['Check the Wi-Fi, then listen again.'] };
	if (survey.link.state !== 'connected' && survey.messages === 0)
		return {
			title: 'The broker could not be listened to',
			text: survey.link.detail ?? 'The connection did not come about.',
			remedies: ['Go back and test the connection: it says what to mend.']
		};
	const span = formatDuration(survey.listenedMs);
	if (survey.messages === 0)
		return {
			title: 'Nothing was heard',
			text: `The broker answers, but within ${span} nothing came on ${filter}.`,
			remedies: [
				'If machines send less often than that, listen again for longer, or connect at once: names and units can be set later under Data.',
				'Check the topic filter: capitals and slashes count, and # takes everything the user may read.',
				'Check that the machines are running and publishing.'
			]
		};
	return {
		title: 'Messages came, but no measured value',
		text: `${formatCount(survey.messages, 'message')} on ${formatCount(survey.topics, 'topic')} came within ${span}, and no number could be read from any of them.`,
		remedies: [
			'Look at the examples below: they say what was wrong.',
			'Choose a topic filter that carries measured values.'
		]
	};
}
