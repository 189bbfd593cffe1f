/**
 * Command line: an MQTT broker inside this process (aedes), over TCP and WebSocket, for people who have none.
 *
 * In: host and ports (0: any free one). Out: the ports it listens on and `close`. Listens on this machine only unless told
 * otherwise; no accounts.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { MillwrightError } from '../../src/lib/contracts';

export interface LocalBrokerOptions {
	/** TCP port; 0 for any free one; undefined for no TCP listener. */
	readonly port?: number;
	readonly wsPort: number;
	/** Default 127.0.0.1. */
	readonly host?: string;
}

export interface LocalBroker {
	readonly host: string;
	/** Undefined when there is no TCP listener. */
	readonly port: number | undefined;
	readonly wsPort: number;
	/** Clients connected now. */
	readonly clients: number;
	close(): Promise<void>;
}

/** @throws MillwrightError `link-failed` when a port is taken or not allowed; `cause` is Node's error with its code. */
export async function startLocalBroker(options: LocalBrokerOptions): Promise<LocalBroker> {
	const host = options.host ?? '127.0.0.1';
	const broker = await Aedes.createBroker();
	const http = createHttpServer((_, response) => {
		response.writeHead(426, { 'Content-Type': 'text/plain' });
		response.end('This is an MQTT broker: connect with MQTT over WebSocket\n');
	});
	const sockets = new WebSocketServer({
		server: http,
		handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : offered.has('mqttv3.1') ? 'mqttv3.1' : false)
	});
	// the http server's own error event is the one that is told
	sockets.on('error', () => undefined);
	sockets.on('connection', (socket, request) => {
		const stream = createWebSocketStream(socket);
		stream.on('error', () => socket.terminate());
		broker.handle(stream, request);
	});
	const tcp = options.port === undefined ? undefined : createTcpServer(broker.handle);
	try {
		await listen(http, options.wsPort, host);
		if (tcp) await listen(tcp, options.port!, host);
	} catch (error) {
		await Promise.all([closeServer(http), tcp && closeServer(tcp)]);
		await closeBroker(broker);
		throw error;
	}
	return {
		host,
		port: tcp ? (tcp.address() as AddressInfo).port : undefined,
		wsPort: (http.address() as AddressInfo).port,
		get clients() {
			return broker.connectedClients;
		},
		async close() {
			await closeBroker(broker);
			for (const socket of sockets.clients) socket.terminate();
			sockets.close();
			http.closeAllConnections();
			await Promise.all([closeServer(http), tcp && closeServer(tcp)]);
		}
	};
}

function listen(server: Server, port: number, host: string): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', (cause: NodeJS.ErrnoException) => {
			const why =
				cause.code === 'EADDRINUSE'
					? `port ${port} on ${host} is already in use by another program`
					: cause.code === 'EACCES'
						? `this user may not open port ${port} on ${host}`
						: cause.message;
			reject(
				new MillwrightError(
					'link-failed',
					`The broker cannot start: ${why}`,
					{ port, host, reason: cause.code },
					{ cause }
				)
			);
		});
		server.listen(port, host, resolve);
	});
}

const closeServer = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));
const closeBroker = (broker: Aedes) => new Promise<void>((resolve) => broker.close(() => resolve()));
