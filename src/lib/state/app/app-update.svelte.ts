/**
 * State: the installed app itself. A newer version that waits is offered, never forced; the browser's offer to install is
 * kept until a person asks for it.
 *
 * In: service worker events. Out: `updateReady`, `installPrompt` and what a person can do about them.
 */
import { resolve } from '$app/paths';

/** Chromium's event; other browsers install from their own menu. */
interface InstallPromptEvent extends Event {
	prompt(): Promise<void>;
	readonly userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

/** So long a newer version may take to take over. */
const TAKEOVER_MS = 5_000;

const serviceWorkerUrl = () => `${resolve('/')}service-worker.js`;

class AppUpdate {
	/** A newer version is downloaded and waits. */
	updateReady = $state(false);
	/** The files of the app are kept on this device: it opens without a network. */
	offlineReady = $state(false);
	installPrompt = $state.raw<InstallPromptEvent | undefined>(undefined);
	installed = $state(false);
	/** Why the app cannot be kept for offline use, in words. */
	problem = $state<string | undefined>(undefined);

	#registration: ServiceWorkerRegistration | undefined;
	#reloadOnChange = false;
	#isRegistered = false;

	/** Hears the browser's offer to install, which comes once and early. */
	listen(): void {
		window.addEventListener('beforeinstallprompt', (event) => {
			event.preventDefault();
			this.installPrompt = event as InstallPromptEvent;
		});
		window.addEventListener('appinstalled', () => {
			this.installed = true;
			this.installPrompt = undefined;
		});
		this.installed = matchMedia('(display-mode: standalone)').matches;
	}

	/** Registers the service worker once; does nothing in development or where browsers have none (plain http). */
	async register(): Promise<void> {
		if (this.#isRegistered) return;
		this.#isRegistered = true;
		if (import.meta.env.DEV) {
			this.problem = 'This is the development server: nothing is kept for offline use.';
			return;
		}
		if (!('serviceWorker' in navigator)) {
			this.problem =
				'This browser keeps an app for offline use only when it is opened over https or on this computer itself.';
			return;
		}
		navigator.serviceWorker.addEventListener('controllerchange', () => {
			if (this.#reloadOnChange) location.reload();
		});
		try {
			const registration = await navigator.serviceWorker.register(serviceWorkerUrl());
			this.#registration = registration;
			this.#follow(registration);
			registration.addEventListener('updatefound', () => this.#follow(registration));
			void navigator.serviceWorker.ready.then(() => (this.offlineReady = true));
		} catch (error) {
			this.problem = `The app could not be kept for offline use: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	/** Asks the host whether there is a newer version; offline that is no failure. */
	async check(): Promise<void> {
		await this.#registration?.update().catch(() => undefined);
	}

	/** Puts the waiting version in use; the page reloads once it has taken over. */
	applyUpdate(): void {
		const registration = this.#registration;
		if (!registration?.waiting) return;
		this.#reloadOnChange = true;
		registration.waiting.postMessage({ type: 'SKIP_WAITING' });
		setTimeout(() => void this.#goAround(registration), TAKEOVER_MS);
	}

	/**
	 * Chromium may take the older version for busy, for up to five minutes after its last answer, and lets no other take over meanwhile. Then
	 * the page does without it: it comes from the host, as the newer version, which is kept again from there. Not where the host is out of reach.
	 */
	async #goAround(registration: ServiceWorkerRegistration): Promise<void> {
		// HEAD is asked of the host, never of what is kept.
		const host = await fetch(serviceWorkerUrl(), { method: 'HEAD', cache: 'no-store' }).catch(() => undefined);
		if (!host?.ok || !(await registration.unregister().catch(() => false))) return;
		this.#reloadOnChange = false;
		location.reload();
	}

	async install(): Promise<void> {
		const prompt = this.installPrompt;
		if (!prompt) return;
		await prompt.prompt();
		if ((await prompt.userChoice).outcome === 'accepted') this.installPrompt = undefined;
	}

	#follow(registration: ServiceWorkerRegistration): void {
		if (registration.waiting) this.updateReady = true;
		const installing = registration.installing;
		installing?.addEventListener('statechange', () => {
			// Without a controller this is the first installation, not an update.
			if (installing.state === 'installed' && navigator.serviceWorker.controller) this.updateReady = true;
		});
	}
}

export const appUpdate = new AppUpdate();
