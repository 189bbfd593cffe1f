/**
 * State, pure: the link to the source as advice: what is the matter and what to do, in order. The one line of the top bar is
 * in `link-words.ts`.
 *
 * In: a `LinkStatus` (live, or of a connection test) and what is known around it. Out: headline, sentence, remedies. Every
 * `LinkTrouble` has its own: "connected" is never shown without saying whether data comes.
 */
import type { BrokerSettings, EpochMs, IntakeCounters, LinkStatus, LinkTrouble } from '$lib/contracts';

export interface LinkAdvice {
	readonly tone: 'ok' | 'waiting' | 'trouble' | 'off';
	readonly headline: string;
	readonly sentence: string;
	/** What to check or do, most likely cause first. */
	readonly remedies: readonly string[];
}

type TroubleAdvice = Omit<LinkAdvice, 'tone'>;

export const troubleAdvice: Readonly<Record<LinkTrouble, TroubleAdvice>> = {
	'broker-unreachable': {
		headline: 'The broker does not answer',
		sentence: 'Nothing answered at this address.',
		remedies: [
			'Check the host name and the port. MQTT over WebSockets has a port of its own, often 9001, 8083 or 8884. Ports 1883 and 8883 are for plain MQTT and never work from a browser.',
			'Check that the WebSocket listener of the broker is switched on. Some brokers want a path after the port, for example /mqtt.',
			'Check that this device is on the network of the plant (Wi-Fi, VPN).',
			'With wss://, open the same address as https:// once: if the browser warns of the certificate, it must be trusted first.'
		]
	},
	'credentials-refused': {
		headline: 'User or password refused',
		sentence: 'The broker is there, but does not accept this user and password.',
		remedies: [
			'Type the user and the password again; capitals count.',
			'Ask whoever looks after the broker whether this user exists and may log in.'
		]
	},
	'not-authorised': {
		headline: 'This user may not connect',
		sentence: 'The broker is there, but does not let this user in.',
		remedies: [
			'If the broker wants a user and a password, enter them.',
			'Ask whoever looks after the broker to allow this user to connect and to read the topics.'
		]
	},
	'protocol-refused': {
		headline: 'No MQTT broker answers there',
		sentence: 'What answers at this address accepts neither MQTT 5 nor MQTT 3.1.1.',
		remedies: [
			'Look at the path of the address (often /mqtt) and at the port: it has to be the one for WebSockets.',
			'Ask whoever looks after the broker whether it takes MQTT over WebSockets.'
		]
	},
	'needs-wss': {
		headline: 'This page needs a wss:// address',
		sentence: 'The page was opened over https, and browsers then refuse unencrypted ws:// connections.',
		remedies: [
			'Use the wss:// address of the broker.',
			'If the broker has none, open Millwright over http:// on the network of the plant instead.'
		]
	},
	'subscription-refused': {
		headline: 'The topics are not allowed',
		sentence: 'The broker let us in, but refused the topic filter.',
		remedies: [
			'Use a narrower filter: many brokers do not allow # for everybody.',
			'Ask whoever looks after the broker which topics this user may read.'
		]
	},
	'no-messages': {
		headline: 'Connected, but no data comes',
		sentence: 'The broker accepted the topic filter, but nothing arrives on it.',
		remedies: [
			'The filter may be wrong: capitals and slashes count, and # is only allowed at the end.',
			'Check that the machines are running and publishing.'
		]
	},
	'not-understood': {
		headline: 'Messages come, but none can be read',
		sentence: 'Messages arrive, and no value could be taken from any of them.',
		remedies: [
			'Look at the message shown: Millwright reads JSON objects with numbers, lists of readings, and a single number per topic.',
			'Narrow the topic filter to the topics that carry measured values.'
		]
	},
	'storage-failing': {
		headline: 'Data comes, but cannot be stored',
		sentence: 'This device refuses to store the readings.',
		remedies: [
			'Free room on this device, or delete machines that are no longer needed under Data.',
			'Leave private browsing: it does not keep data.'
		]
	}
};

/** A connected link is said to bring no data after this long without a message. */
const silentAfterMs = 15_000;

/** The state of a link as advice. `online`: what the browser says of the network. */
export function linkAdvice(
	status: LinkStatus | undefined,
	context: { readonly now: EpochMs; readonly online?: boolean; readonly counters?: IntakeCounters }
): LinkAdvice {
	if (!status || status.source === 'none' || status.state === 'idle')
		return {
			tone: 'off',
			headline: 'No live source',
			sentence: 'Nothing sends data to this device.',
			remedies: ['Connect to a broker, or import a file.']
		};
	const name = status.source === 'demo' ? 'The simulated plant' : (status.address ?? 'The broker');
	if (status.state === 'stopped')
		return {
			tone: 'off',
			headline: 'Disconnected',
			sentence: `${name} is not connected.`,
			remedies: ['Connect again under Connect.']
		};
	if (status.trouble) return troubled(status, status.trouble, context);
	if (status.state === 'connecting') return waiting('Connecting', `Waiting for ${name} to answer.`);
	if (status.state === 'reconnecting')
		return waiting('Connection lost, trying again', `${name} went away.${retryWords(status, context.now)}`);
	if (status.state === 'failed')
		return {
			tone: 'trouble',
			headline: 'The link failed',
			sentence: status.detail ?? 'The browser gives no reason.',
			remedies: ['Check the source under Connect.']
		};
	const silentSince = status.lastMessageAt ?? status.connectedAt ?? context.now;
	if (context.now - silentSince > silentAfterMs) return { tone: 'trouble', ...troubleAdvice['no-messages'] };
	if (status.lastMessageAt === undefined)
		return waiting('Connected, waiting for the first message', `${name} is connected; nothing has come yet.`);
	const messages = context.counters?.messagesPerSecond;
	const rate =
		messages === undefined ? '' : ` ${messages < 10 ? messages.toFixed(1) : Math.round(messages)} messages per second.`;
	return { tone: 'ok', headline: 'Connected, data is coming', sentence: `${name} is sending.${rate}`, remedies: [] };
}

function troubled(
	status: LinkStatus,
	trouble: LinkTrouble,
	context: { readonly now: EpochMs; readonly online?: boolean }
): LinkAdvice {
	const retry = retryWords(status, context.now);
	if (trouble === 'broker-unreachable' && context.online === false)
		return {
			tone: 'trouble',
			headline: 'No network',
			sentence: `This device is offline. What is stored can still be seen.${retry}`,
			remedies: ['Check the Wi-Fi of this device.']
		};
	const advice = troubleAdvice[trouble];
	return { tone: 'trouble', ...advice, sentence: advice.sentence + retry };
}

function waiting(headline: string, sentence: string): LinkAdvice {
	return { tone: 'waiting', headline, sentence, remedies: [] };
}

function retryWords(status: LinkStatus, now: EpochMs): string {
	if (status.retryAt === undefined || status.retryAt <= now) return '';
	return ` Next attempt in ${Math.ceil((status.retryAt - now) / 1000)} s.`;
}

/**
 * Filters worth offering for the topics seen: the narrowest that takes each group of topics sharing the outermost level,
 * most topics first, at most five.
 */
export function suggestFilters(
	topics: readonly string[]
): readonly { readonly filter: string; readonly topics: number }[] {
	const groups = new Map<string, string[]>();
	for (const topic of topics) {
		const first = topic.split('/')[0] ?? topic;
		groups.set(first, [...(groups.get(first) ?? []), topic]);
	}
	return [...groups.values()]
		.map((group) => ({ filter: narrowestFilter(group), topics: group.length }))
		.sort((a, b) => b.topics - a.topics || a.filter.localeCompare(b.filter))
		.slice(0, 5);
}

function narrowestFilter(topics: readonly string[]): string {
	if (topics.length === 1) return topics[0]!;
	const split = topics.map((topic) => topic.split('/'));
	const shared: string[] = [];
	for (let level = 0; split.every((levels) => level < levels.length - 1 && levels[level] === split[0]![level]); level++)
		shared.push(split[0]![level]!);
	return [...shared, '#'].join('/');
}

/** What stands in the way before even trying: an https page may open ws:// only to the computer it runs on. */
export function addressTrouble(url: string, pageIsSecure: boolean): LinkTrouble | undefined {
	const host = /^ws:\/\/\[?([^\s/:\]]+)/i.exec(url.trim())?.[1];
	if (!pageIsSecure || host === undefined) return undefined;
	return ['localhost', '127.0.0.1'].includes(host) ? undefined : 'needs-wss';
}

/** Address without user and password, for showing. */
export function shownAddress(settings: Pick<BrokerSettings, 'url'>): string {
	return settings.url.replace(/\/\/[^@/\s]*@/, '//');
}
