/**
 * State: what the browser says of the network. "Online" only means that there is one, not that a broker answers.
 */
class Network {
	online = $state(typeof navigator === 'undefined' || navigator.onLine !== false);

	constructor() {
		if (typeof window === 'undefined') return;
		window.addEventListener('online', () => (this.online = true));
		window.addEventListener('offline', () => (this.online = false));
	}
}

export const network = new Network();
