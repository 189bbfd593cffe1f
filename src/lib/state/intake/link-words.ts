/**
 * The state of the link in words a person can act on. In: the link's status, the newest reading's time, the clock.
 * Out: one line, and whether it is abnormal. "Connected" never stands alone while no data comes.
 */
import type { EpochMs, LinkStatus, LinkTrouble } from '$lib/contracts';
import { formatAge, formatDuration } from '$lib/words';

export interface LinkWords {
	readonly text: string;
	/** The same without what ticks, for those who hear it: read out once, not every second. */
	readonly said?: string;
	/** What to do about it, or what exactly was said. */
	readonly detail?: string;
	readonly level: 'normal' | 'low' | 'medium' | 'high';
}

/** Without a reading for this long, or for as long as is usual here, a connected link is said to bring no data. */
export const silentAfterMs = 15_000;

export const troubleWords: Record<LinkTrouble, { what: string; mend: string }> = {
	'broker-unreachable': {
		what: 'the broker cannot be reached',
		mend: 'Check the address, that the broker listens for WebSockets on that port, and that this device is on its network.'
	},
	'credentials-refused': {
		what: 'the broker refused the user name or password',
		mend: 'Enter the credentials again under Connect.'
	},
	'not-authorised': {
		what: 'this user may not connect',
		mend: 'Ask whoever runs the broker to allow this user to connect and to read the topics.'
	},
	'protocol-refused': {
		what: 'what answers there speaks neither MQTT 5 nor 3.1.1',
		mend: 'Look at the address under Connect: its port and path have to be those for WebSockets.'
	},
	'needs-wss': {
		what: 'a page opened by https may only use wss',
		mend: 'Use a wss:// address, or open Millwright by http on this network.'
	},
	'subscription-refused': {
		what: 'the broker refused the subscription',
		mend: 'Ask for read access to the topic filter, or choose another filter.'
	},
	'no-messages': {
		what: 'nothing arrives on this topic filter',
		mend: 'Check the topic filter; # takes everything the user may read.'
	},
	'not-understood': {
		what: 'messages arrive, but none could be read',
		mend: 'See Data for an example of what arrives and why it was refused.'
	},
	'storage-failing': {
		what: 'readings cannot be stored',
		mend: 'Free space on this device, or see Data for what the browser said.'
	}
};

export function linkWords(
	status: LinkStatus | undefined,
	lastReadingAt: EpochMs | undefined,
	now: EpochMs,
	usualSilenceMs = 0
): LinkWords {
	const silentMs = Math.max(silentAfterMs, usualSilenceMs);
	if (!status) return { text: 'Starting', level: 'normal' };
	const trouble = status.trouble ? troubleWords[status.trouble] : undefined;
	const last = lastReadingAt ?? status.lastMessageAt;
	const age = last === undefined ? undefined : `last reading ${formatAge(last, now)}`;
	const detail = [trouble?.mend, status.detail].filter(Boolean).join(' ') || undefined;

	if (status.source === 'none' || status.state === 'idle' || status.state === 'stopped')
		return { text: age ? `No live source, ${age}` : 'No live source', detail, level: 'normal' };

	const name = status.source === 'demo' ? 'Demo running' : 'Connected';
	switch (status.state) {
		case 'connecting':
			if (status.source === 'demo') return { text: 'Demo starting: simulating its history', level: 'normal' };
			return { text: `Connecting${status.address ? ` to ${status.address}` : ''}`, detail, level: 'normal' };
		case 'reconnecting': {
			const retry =
				status.retryAt && status.retryAt > now ? `, next try in ${formatDuration(status.retryAt - now)}` : '';
			const said = `Not connected: ${trouble?.what ?? 'the link broke'}`;
			return {
				text: `${said}${retry}`,
				said,
				detail,
				level: 'medium'
			};
		}
		case 'failed':
			return { text: `Not connected: ${trouble?.what ?? status.detail ?? 'the link failed'}`, detail, level: 'high' };
		case 'connected': {
			if (trouble) return { text: `${name}, but no data: ${trouble.what}`, detail, level: 'medium' };
			if (last === undefined || now - last > silentMs) {
				const since = last ?? status.connectedAt;
				if (since === undefined || now - since <= silentMs)
					return { text: `${name}, waiting for data`, detail, level: 'normal' };
				const words = last === undefined ? 'nothing has arrived yet' : `nothing for ${formatDuration(now - last)}`;
				return { text: `${name}, but no data: ${words}`, said: `${name}, but no data`, detail, level: 'medium' };
			}
			return { text: `${name} \u2013 ${age}`, level: 'normal' };
		}
	}
}
