/** Acquisition worker: wires Data Acquisition to storage, sockets, locks and the live channel of this browser, and exposes it. */
import { Acquisition } from '../acquisition/acquisition';
import type { SocketLike, World } from '../acquisition/ports';
import { liveChannelName, type LiveMessage } from '../contracts';
import { measureWaveform } from '../manipulation';
import { openStore } from '../storage';
import type { AcquisitionApi } from './acquisition.api';
import { exposeWorker } from './expose';

const world: World = {
	openStore,
	openChannel(workspace) {
		const channel = new BroadcastChannel(liveChannelName(workspace));
		return {
			post: (message) => channel.postMessage(message),
			onMessage(listener) {
				const handle = (event: MessageEvent<LiveMessage>) => listener(event.data);
				channel.addEventListener('message', handle);
				return () => channel.removeEventListener('message', handle);
			},
			close: () => channel.close()
		};
	},
	async lock(name, signal, run) {
		// Without Web Locks (a page over plain http) tabs cannot agree; storage still keeps each reading once.
		if (!navigator.locks) return run();
		await navigator.locks.request(name, { signal }, run);
	},
	openSocket: (url, protocol) => new WebSocket(url, [protocol]) as SocketLike,
	measureWaveform,
	now: () => Date.now(),
	random: () => Math.random(),
	onHttpsPage: self.location.protocol === 'https:'
};

exposeWorker<AcquisitionApi>(new Acquisition(world));
