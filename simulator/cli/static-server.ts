/**
 * Serves a built folder the way a plain static host does: no special headers, hashed files kept for ever.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import sirv from 'sirv';

export interface StaticServer {
	/** With a trailing slash. */
	readonly url: string;
	readonly port: number;
	close(): Promise<void>;
}

export interface ServeOptions {
	/** 0 takes a free one. */
	readonly port?: number;
	readonly host?: string;
	/** Answers for paths that are not files: path (without query) -> JSON. */
	readonly json?: Readonly<Record<string, unknown>>;
	readonly headers?: Readonly<Record<string, string>>;
	/** Further folders by path prefix, e.g. `{ '/extra/': 'dist-extra' }`. */
	readonly mounts?: Readonly<Record<string, string>>;
}

/** @throws the listen error (EADDRINUSE, EACCES) as Node gives it */
export async function serveFolder(folder: string, options: ServeOptions = {}): Promise<StaticServer> {
	const { port = 0, host = '127.0.0.1', json = {}, headers = {}, mounts = {} } = options;
	const filesOf = (root: string) =>
		sirv(root, {
			etag: true,
			// Looked up anew at each request: the folder may be built again while it is served.
			dev: true,
			setHeaders: (response, path) => {
				const kept = path.includes('/immutable/');
				response.setHeader('Cache-Control', kept ? 'public, max-age=31536000, immutable' : 'no-cache');
			}
		});
	const files = filesOf(folder);
	const extra = Object.entries(mounts).map(([prefix, root]) => ({ prefix, files: filesOf(root) }));
	const server: Server = createServer((request, response) => {
		const answerNotFound = () => {
			response.statusCode = 404;
			response.end('Not found');
		};
		// A file that goes between being found and being read ends its own answer, not the server.
		response.on('pipe', (file) => file.once('error', () => response.destroy()));
		for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
		const path = (request.url ?? '/').split('?')[0] ?? '/';
		if (path in json) {
			response.setHeader('Content-Type', 'application/json');
			response.setHeader('Cache-Control', 'no-store');
			response.end(JSON.stringify(json[path]));
			return;
		}
		const mount = extra.find(({ prefix }) => path.startsWith(prefix));
		if (mount) request.url = (request.url ?? '/').slice(mount.prefix.length - 1);
		try {
			(mount?.files ?? files)(request, response, answerNotFound);
		} catch {
			answerNotFound();
		}
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, resolve);
	});
	const actual = (server.address() as AddressInfo).port;
	return {
		url: `http://${host === '0.0.0.0' ? 'localhost' : host}:${actual}/`,
		port: actual,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			})
	};
}
