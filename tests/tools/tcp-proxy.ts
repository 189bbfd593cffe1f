/**
 * A TCP relay for tests, between a browser and a broker: a network that can be cut, or fall silent, on demand.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
	readonly port: number;
	/** Resets every connection and refuses new ones until `restore`. */
	cut(): void;
	/** Passes nothing on in either direction, connections staying open, until `restore` or `cut`: Wi-Fi out of reach. */
	stall(): void;
	restore(): void;
	close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
	const sockets = new Set<Socket>();
	let state: 'open' | 'cut' | 'stalled' = 'open';
	const server = createServer((near) => {
		if (state === 'cut') return void near.resetAndDestroy();
		const far = connect(targetPort, '127.0.0.1');
		for (const [socket, other] of [
			[near, far],
			[far, near]
		] as const) {
			sockets.add(socket);
			socket.setNoDelay(true);
			socket.on('data', (data: Buffer) => {
				if (!other.write(data)) socket.pause();
			});
			other.on('drain', () => {
				if (state !== 'stalled') socket.resume();
			});
			socket.on('error', () => undefined);
			socket.on('close', () => {
				sockets.delete(socket);
				other.destroy();
			});
			if (state === 'stalled') socket.pause();
		}
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: (server.address() as AddressInfo).port,
		cut() {
			state = 'cut';
			for (const socket of sockets) socket.resetAndDestroy();
		},
		stall() {
			state = 'stalled';
			for (const socket of sockets) socket.pause();
		},
		restore() {
			state = 'open';
			for (const socket of sockets) socket.resume();
		},
		close: () =>
			new Promise((resolve) => {
				for (const socket of sockets) socket.destroy();
				server.close(() => resolve());
			})
	};
}
