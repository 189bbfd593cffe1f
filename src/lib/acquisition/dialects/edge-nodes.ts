/**
 * Sparkplug B 3.0, edge nodes: what each said at its births, and the count of its messages.
 *
 * In: births, `seq` of every message, what was kept of an earlier session. Out: the metric behind an alias or a name, or that it is not sure;
 * what has changed, to be kept. After a reload or another connection a birth may have been missed: what was known then holds only once
 * nothing can have been missed or the node has said it again.
 */
import type { BornMetric, EdgeNodeBirth, EdgeNodeChanges, EdgeNodeCount, EpochMs, KeptEdgeNode } from '../../contracts';

const MAX_NODES = 50_000;
const SEQ_ROUND = 256;
/** Who has sent within this long goes on sending while a page reloads: how far it had counted tells nothing then. */
const QUIET_MS = 1_000;

/** What births said: by alias, and by device and name. */
class Births {
	readonly aliases = new Map<number, BornMetric>();
	readonly names = new Map<string, BornMetric>();

	learn(metric: BornMetric): void {
		if (metric.alias !== undefined) this.aliases.set(metric.alias, metric);
		this.names.set(`${metric.device}/${metric.name}`, metric);
	}

	clear(): void {
		this.aliases.clear();
		this.names.clear();
	}

	/** `alias` undefined: by name. */
	find(alias: number | undefined, device: string, name: string | undefined): BornMetric | undefined {
		const byAlias = alias === undefined ? undefined : this.aliases.get(alias);
		return byAlias ?? (name === undefined ? undefined : this.names.get(`${device}/${name}`));
	}
}

export class EdgeNode {
	bdSeq: number | undefined;
	/** When a rebirth was last asked for. */
	askedAt: EpochMs = -Infinity;
	/** Next expected `seq`; undefined before anything was heard. */
	#seq: number | undefined;
	#seenAt: EpochMs = 0;
	#messages = 0;
	#since: EpochMs = 0;
	#known = new Births();
	/** What was known when a birth may have been missed. */
	#before: Births | undefined;
	/** How far was counted then, until the next message has shown whether anything was missed. */
	#countBefore: EdgeNodeCount | undefined;
	/** Devices born since; '' is the edge node itself. */
	readonly #born = new Set<string>();

	/** Whether all that is known was said by births after which none can have been missed. */
	get isSure(): boolean {
		return !this.#before || this.#born.has('');
	}

	/** From now on a birth may have been missed; what is known holds no longer by itself. */
	doubt(count: EdgeNodeCount | undefined): void {
		const before = this.isSure ? new Births() : this.#before!;
		for (const metric of this.#known.names.values()) before.learn(metric);
		this.#before = before;
		this.#countBefore = count;
		this.#known = new Births();
		this.#born.clear();
		this.#seq = undefined;
	}

	/** NBIRTH: all aliases are given anew, those of devices by the births that follow. */
	begin(bdSeq: number | undefined, at: EpochMs): void {
		this.bdSeq = bdSeq;
		this.#known.clear();
		this.#born.clear();
		this.#countBefore = undefined;
		this.#seq = undefined;
		this.#messages = 0;
		this.#since = at;
	}

	/** A birth of a device or, with '', of the node itself. */
	learn(device: string, metrics: Iterable<BornMetric>): void {
		this.#born.add(device);
		for (const metric of metrics) this.#known.learn(metric);
	}

	/**
	 * Counts a message: `seq` goes from 0 to 255 and round, over all messages of an edge node but NDEATH.
	 * Returns what is missing, in words; undefined: nothing.
	 */
	follow(seq: number | undefined, at: EpochMs): string | undefined {
		const before = this.#countBefore;
		if (before) {
			this.#countBefore = undefined;
			if (seq === undefined || !nothingMissed(before, seq, at, this.#devicesBefore())) {
				if (seq !== undefined) this.#seq = (seq + 1) % SEQ_ROUND;
				return `number ${before.nextSeq} expected, ${seq ?? 'none'} came`;
			}
			this.#resume(before);
		}
		if (seq === undefined) return undefined;
		const expected = this.#seq;
		const missing = expected === undefined ? 'data comes, but its birth was not seen' : undefined;
		this.#count(seq, at);
		if (missing !== undefined || expected === seq) return missing;
		return `number ${expected} expected, ${seq} came`;
	}

	/** The number of an NBIRTH, which begins a count. */
	beginCount(seq: number | undefined, at: EpochMs): void {
		if (seq !== undefined) this.#count(seq, at);
	}

	#count(seq: number, at: EpochMs): void {
		this.#seq = (seq + 1) % SEQ_ROUND;
		this.#seenAt = at;
		this.#messages++;
	}

	/** Nothing was missed: what was known holds. */
	#resume({ nextSeq, seenAt, messages, since }: EdgeNodeCount): void {
		this.#known = this.#before!;
		this.#before = undefined;
		this.#seq = nextSeq;
		this.#seenAt = seenAt;
		this.#messages = messages;
		this.#since = since;
	}

	#devicesBefore(): number {
		const devices = new Set<string>();
		for (const { device } of this.#before?.names.values() ?? []) devices.add(device);
		return devices.size;
	}

	/** What a birth said of a metric that comes with this alias or name; undefined: no birth that holds did. */
	find(alias: number | undefined, device: string, name: string | undefined): BornMetric | undefined {
		return this.#known.find(alias, device, name);
	}

	/** Whether the next birth will tell, most likely: it was known before a birth may have been missed, and `device` was not born since. */
	isAwaited(alias: number | undefined, device: string, name: string | undefined): boolean {
		return this.#before?.find(alias, device, name) !== undefined && !this.#born.has(device);
	}

	/** The same for what came before that birth: only where both births agree is it sure what was meant between them. */
	findAgreed(alias: number | undefined, device: string, name: string | undefined): BornMetric | undefined {
		const now = this.#known.find(alias, device, name);
		const then = this.#before?.find(alias, device, name);
		const same =
			now?.name === then?.name && now?.device === then?.device && now?.type === then?.type && now?.unit === then?.unit;
		return same ? now : undefined;
	}

	birth(node: string): EdgeNodeBirth {
		const metrics = new Map(this.isSure ? [] : this.#before!.names);
		for (const [name, metric] of this.#known.names) metrics.set(name, metric);
		return { node, ...(this.bdSeq !== undefined && { bdSeq: this.bdSeq }), metrics: [...metrics.values()] };
	}

	/** Undefined where it says nothing: no birth is sure. */
	count(node: string): EdgeNodeCount | undefined {
		if (this.#countBefore) return this.#countBefore;
		if (!this.isSure || this.#seq === undefined || this.#known.names.size === 0) return undefined;
		return { node, nextSeq: this.#seq, seenAt: this.#seenAt, messages: this.#messages, since: this.#since };
	}

	isQuiet(now: EpochMs): boolean {
		return Math.abs(now - this.#seenAt) >= QUIET_MS;
	}
}

/**
 * Whether the number that came can only be the next one: in the time since, going by how often it sent, the node can neither have counted once
 * round nor have been born again and have counted up to it.
 */
function nothingMissed(before: EdgeNodeCount, seq: number, at: EpochMs, births: number): boolean {
	const elapsed = at - before.seenAt;
	if (seq !== before.nextSeq || elapsed < 0) return false;
	const usualMs = (before.seenAt - before.since) / before.messages;
	const most = (2 * elapsed) / usualMs + 1 + births;
	return most < (seq === 0 ? SEQ_ROUND : seq);
}

export class EdgeNodes {
	readonly #nodes = new Map<string, EdgeNode>();
	readonly #changed = new Set<string>();
	readonly #counted = new Set<string>();
	readonly #gone = new Set<string>();

	/** What was kept of an earlier session. */
	load(kept: readonly KeptEdgeNode[]): void {
		for (const { birth, count } of kept) {
			const node = new EdgeNode();
			node.bdSeq = birth.bdSeq;
			node.learn('', birth.metrics);
			node.doubt(count);
			this.#nodes.set(birth.node, node);
		}
	}

	/** A connection begins: births may have been missed since the last. */
	doubt(): void {
		for (const [key, node] of this.#nodes) node.doubt(node.count(key));
	}

	get(key: string): EdgeNode | undefined {
		return this.#nodes.get(key);
	}

	of(key: string): EdgeNode {
		let node = this.#nodes.get(key);
		if (!node) {
			if (this.#nodes.size >= MAX_NODES) this.#nodes.clear();
			node = new EdgeNode();
			this.#nodes.set(key, node);
		}
		return node;
	}

	forget(key: string): void {
		if (!this.#nodes.delete(key)) return;
		this.#gone.add(key);
		this.#changed.delete(key);
		this.#counted.delete(key);
	}

	/** A message of the node was counted; with `isBirth` it said what is to be kept. */
	note(key: string, isBirth: boolean): void {
		this.#counted.add(key);
		if (!isBirth) return;
		this.#changed.add(key);
		this.#gone.delete(key);
	}

	/** What is to be kept since the last call; undefined: nothing. */
	takeChanges(now: EpochMs): EdgeNodeChanges | undefined {
		if (this.#changed.size === 0 && this.#counted.size === 0 && this.#gone.size === 0) return undefined;
		const births = [...this.#changed].map((key) => this.#nodes.get(key)?.birth(key));
		const counts: EdgeNodeCount[] = [];
		for (const key of this.#counted) {
			const node = this.#nodes.get(key);
			if (node && !node.isQuiet(now)) continue;
			this.#counted.delete(key);
			const count = node?.count(key);
			if (count) counts.push(count);
		}
		const changes = { births: births.filter((birth) => birth !== undefined), counts, gone: [...this.#gone] };
		this.#changed.clear();
		this.#gone.clear();
		return changes.births.length + changes.counts.length + changes.gone.length > 0 ? changes : undefined;
	}

	/** They could not be kept: the next call has them again. */
	giveBack({ births, counts, gone }: EdgeNodeChanges): void {
		for (const { node } of births) if (this.#nodes.has(node)) this.#changed.add(node);
		for (const { node } of counts) this.#counted.add(node);
		for (const node of gone) if (!this.#nodes.has(node)) this.#gone.add(node);
	}
}
