/**
 * State: the form that connects to a broker: what is typed, what is wrong with it, what a test said.
 *
 * In: fields as a person edits them. Out: validated `BrokerSettings`, errors beside the fields, the result of a test, and the
 * broker that `npm start` runs on this computer, if it answers.
 */
import { asset } from '$app/paths';
import {
	BrokerSettingsSchema,
	toPlainError,
	type BrokerProbe,
	type BrokerSettings,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import * as v from 'valibot';
import { addressTrouble } from './link-advice';
import { session } from '../app/session.svelte';

export type BrokerField =
	'url' | 'protocolVersion' | 'username' | 'password' | 'topicFilter' | 'qos' | 'sparkplugHostId';

export class BrokerForm {
	url = $state('');
	protocolVersion = $state<'5' | '4'>('5');
	username = $state('');
	password = $state('');
	topicFilter = $state('#');
	qos = $state<'0' | '1'>('1');
	sparkplugHostId = $state('');
	errors = $state.raw<Partial<Record<BrokerField, string>>>({});

	testing = $state(false);
	probe = $state.raw<BrokerProbe | undefined>(undefined);
	problem = $state.raw<PlainError | undefined>(undefined);
	/** Address of the broker that came with this page, once it has answered. */
	localBroker = $state<string | undefined>(undefined);

	fill(settings: BrokerSettings): void {
		this.url = settings.url;
		this.protocolVersion = settings.protocolVersion === 4 ? '4' : '5';
		this.username = settings.username ?? '';
		this.password = settings.password ?? '';
		this.topicFilter = settings.topicFilter;
		this.qos = settings.qos === 0 ? '0' : '1';
		this.sparkplugHostId = settings.sparkplugHostId ?? '';
	}

	/** Any change makes the last test's answer an answer to another question. */
	touched(field: BrokerField): void {
		this.probe = undefined;
		this.problem = undefined;
		if (this.errors[field]) this.errors = { ...this.errors, [field]: undefined };
	}

	/** The settings, or undefined with `errors` set. */
	validate(): BrokerSettings | undefined {
		const parsed = v.safeParse(BrokerSettingsSchema, {
			url: this.url,
			protocolVersion: Number(this.protocolVersion),
			username: this.username.trim() || undefined,
			password: this.password || undefined,
			topicFilter: this.topicFilter,
			qos: Number(this.qos),
			sparkplugHostId: this.sparkplugHostId.trim() || undefined
		});
		const errors: Partial<Record<BrokerField, string>> = {};
		for (const issue of parsed.issues ?? []) {
			const field = issue.path?.[0]?.key as BrokerField | undefined;
			if (field) errors[field] ??= issue.message;
		}
		this.errors = errors;
		return parsed.success ? parsed.output : undefined;
	}

	async test(): Promise<void> {
		const settings = this.validate();
		if (!settings || this.testing) return;
		this.testing = true;
		this.probe = undefined;
		this.problem = undefined;
		try {
			this.probe = await probe(settings);
		} catch (error) {
			this.problem = toPlainError(error);
		} finally {
			this.testing = false;
		}
	}

	/** Shows what is connected now, so that editing starts from it. */
	async fillFrom(store: Store): Promise<void> {
		const source = await store.settings.source();
		if (source.kind === 'broker' && this.url === '') this.fill(source.broker);
	}

	/** Makes this the source of the plant's workspace and opens it. False: see `errors` or `problem`. */
	async connect(): Promise<boolean> {
		const settings = this.validate();
		if (!settings) return false;
		this.problem = undefined;
		try {
			await session.enter('plant', { kind: 'broker', broker: settings });
		} catch (error) {
			this.problem = toPlainError(error);
		}
		this.problem ??= session.problem;
		return this.problem === undefined;
	}

	/** Looks for the broker that `npm start` announces beside the app and asks it for a WebSocket. */
	async findLocalBroker(): Promise<void> {
		try {
			const response = await fetch(asset('/local-broker.json'), { cache: 'no-store' });
			if (!response.ok) return;
			const { url } = (await response.json()) as { url?: unknown };
			if (typeof url !== 'string') return;
			const address = reachableAddress(url, location.hostname);
			if (await answersWebSocket(address)) this.localBroker = address;
		} catch {
			// No such file or nothing there: then there is nothing to offer.
		}
	}
}

async function probe(settings: BrokerSettings): Promise<BrokerProbe> {
	const trouble = addressTrouble(settings.url, location.protocol === 'https:');
	if (trouble)
		return { ok: false, status: { state: 'failed', source: 'broker', trouble, owner: true }, topicsSeen: [] };
	return session.acquisition.probeBroker(settings);
}

/** "localhost" in the file means the computer that serves the page, which a tablet reaches under the page's own host. */
export function reachableAddress(url: string, pageHost: string): string {
	return url.replace(/^(wss?:\/\/)(localhost|127\.0\.0\.1|0\.0\.0\.0)(?=[:/]|$)/i, `$1${pageHost}`);
}

function answersWebSocket(address: string, timeoutMs = 2_000): Promise<boolean> {
	return new Promise((settle) => {
		const socket = new WebSocket(address, 'mqtt');
		const end = (answer: boolean) => {
			clearTimeout(timer);
			socket.close();
			settle(answer);
		};
		const timer = setTimeout(() => end(false), timeoutMs);
		socket.onopen = () => end(true);
		socket.onerror = () => end(false);
	});
}
