/**
 * State: from a broker that answers to machines and sensors a person has accepted; and the same for what is stored already.
 *
 * In: broker settings (from Connect), or the open plant; edits. Out: what was heard, the draft, what stands in the way, and on accepting
 * the mapping and the source in the plant's settings. Nothing is stored before that.
 */
import {
	emptyMapping,
	MAPPING_KEY,
	parseMapping,
	toPlainError,
	writeMapping,
	type BrokerSettings,
	type ListeningProgress,
	type PlainError,
	type SourceMapping,
	type SourceSurvey,
	type TopicLevelRole
} from '$lib/contracts';
import { draftOf, mappingOf, mergeMappings, summarise, withGroup, type MappingDraft } from './mapping-draft';
import { mappingOfKnown, surveyOfKnown, unmapped } from './mapping-known';
import { saveFile } from '../app/save-file';
import { session, type Store } from '../app/session.svelte';

export type OnboardingPhase = 'idle' | 'listening' | 'review' | 'saving';

class Onboarding {
	#phase = $state<OnboardingPhase>('idle');
	#settings = $state.raw<BrokerSettings | undefined>();
	#progress = $state.raw<ListeningProgress | undefined>();
	#survey = $state.raw<SourceSurvey | undefined>();
	#draft = $state.raw<MappingDraft | undefined>();
	#problem = $state.raw<PlainError | undefined>();
	/** Set while the draft is of what is stored, not of what was heard. */
	#ofKnown = $state(false);
	#fresh = $state.raw<ReadonlySet<string> | undefined>();
	#revising = $state(false);
	#base: SourceMapping = emptyMapping;
	#job = '';

	get phase(): OnboardingPhase {
		return this.#phase;
	}
	/** What is being listened to; undefined while what is stored is edited. */
	get settings(): BrokerSettings | undefined {
		return this.#settings;
	}
	get progress(): ListeningProgress | undefined {
		return this.#progress;
	}
	get survey(): SourceSurvey | undefined {
		return this.#survey;
	}
	get draft(): MappingDraft | undefined {
		return this.#draft;
	}
	get problem(): PlainError | undefined {
		return this.#problem;
	}
	get ofKnown(): boolean {
		return this.#ofKnown;
	}
	/** Of what is stored, the sensors that the mapping does not know yet, as `machine:sensor`. */
	get fresh(): ReadonlySet<string> | undefined {
		return this.#fresh;
	}
	/** Levels were changed and machines are being found anew. */
	get revising(): boolean {
		return this.#revising;
	}
	readonly summary = $derived(this.#draft && summarise(this.#draft));

	edit(draft: MappingDraft): void {
		this.#draft = draft;
	}

	/** Starts listening with these settings; what was heard before is forgotten. */
	async begin(settings: BrokerSettings): Promise<void> {
		this.reset();
		this.#settings = settings;
		this.#job = crypto.randomUUID();
		this.#base = (await this.#stored()) ?? emptyMapping;
		await this.listen();
	}

	/** Listens (on): adds to what was heard, and keeps what was edited. */
	async listen(): Promise<void> {
		const { settings, job } = { settings: this.#settings, job: this.#job };
		if (!settings || this.#phase === 'listening') return;
		const edited = this.#edited();
		this.#phase = 'listening';
		this.#progress = undefined;
		this.#problem = undefined;
		try {
			const survey = await session.acquisition.listen(job, settings, edited.groups, (progress) => {
				if (this.#job === job) this.#progress = progress;
			});
			if (this.#job !== job) return;
			this.#take(survey, edited);
		} catch (error) {
			if (this.#job !== job) return;
			this.#problem = toPlainError(error);
		}
		this.#phase = 'review';
	}

	/** Ends the listening; what was heard so far is shown. */
	stop(): void {
		void session.acquisition.stopListening(this.#job).catch(() => undefined);
	}

	/** Edits what is stored, without listening. */
	async editKnown(store: Store): Promise<void> {
		this.reset();
		try {
			const [machines, sensors, mapping] = await Promise.all([
				store.registry.machines(),
				store.registry.sensors(),
				store.settings.get<SourceMapping>(MAPPING_KEY)
			]);
			const latest = await store.series.latest(sensors.map(({ id }) => id));
			this.#base = mapping ?? emptyMapping;
			this.#ofKnown = true;
			const fresh = new Set(unmapped(machines, sensors, mapping).sensors);
			const newcomers = sensors.filter(({ id }) => fresh.has(id)).map(({ source, id }) => source ?? id);
			this.#fresh = mapping && new Set(newcomers);
			this.#survey = surveyOfKnown(machines, sensors, latest);
			this.#draft = draftOf(this.#survey, this.#base, false);
		} catch (error) {
			this.#problem = toPlainError(error);
		}
		this.#phase = 'review';
	}

	/** What a person says the levels of a group's topics mean; machines and sensors are found anew. */
	async setLevels(filter: string, levels: readonly TopicLevelRole[]): Promise<void> {
		if (!this.#draft) return;
		this.#draft = withGroup(this.#draft, filter, { levels });
		const edited = this.#edited();
		this.#revising = true;
		try {
			this.#take(await session.acquisition.reviseSurvey(this.#job, edited.groups), edited);
			this.#problem = undefined;
		} catch (error) {
			this.#problem = toPlainError(error);
		}
		this.#revising = false;
	}

	/**
	 * Keeps the mapping, makes the broker the plant's source and opens the plant. False: see `problem`.
	 * Of what is stored already, units and kinds change at once; new names hold from the next value on.
	 */
	async accept(): Promise<boolean> {
		const draft = this.#draft;
		if (!draft || this.#phase === 'saving') return false;
		this.#phase = 'saving';
		this.#problem = undefined;
		try {
			const settings = this.#settings;
			if (settings) await session.enter('plant');
			const { store } = session;
			if (!store) throw session.problem ?? new Error('The plant could not be opened');
			const stored = (await store.settings.get<SourceMapping>(MAPPING_KEY)) ?? emptyMapping;
			const mapping = this.#ofKnown
				? mappingOfKnown(draft, stored)
				: mappingOf(draft, mergeMappings(stored, this.#base));
			await store.settings.set(MAPPING_KEY, mapping);
			if (this.#ofKnown) await this.#updateRegistry(store, mapping);
			if (settings) await session.enter('plant', { kind: 'broker', broker: settings });
			this.reset();
			return true;
		} catch (error) {
			this.#problem = toPlainError(error);
			this.#phase = 'review';
			return false;
		}
	}

	exportFile(): void {
		saveFile(new Blob([writeMapping(this.#edited())], { type: 'application/json' }), 'millwright-mapping.json');
	}

	/** A mapping file, laid over what is edited. Refused whole when anything in it is wrong. */
	async importFile(file: Blob): Promise<void> {
		try {
			const imported = mergeMappings(this.#edited(), parseMapping(await file.text()));
			this.#problem = undefined;
			if (!this.#survey) return;
			if (this.#ofKnown) return void (await this.#importKnown(imported));
			this.#take(await session.acquisition.reviseSurvey(this.#job, imported.groups), imported);
		} catch (error) {
			this.#problem = toPlainError(error);
		}
	}

	reset(): void {
		if (this.#job) void session.acquisition.forgetSurvey(this.#job).catch(() => undefined);
		this.#job = '';
		this.#phase = 'idle';
		this.#settings = undefined;
		this.#progress = undefined;
		this.#survey = undefined;
		this.#draft = undefined;
		this.#problem = undefined;
		this.#ofKnown = false;
		this.#fresh = undefined;
		this.#revising = false;
		this.#base = emptyMapping;
	}

	#take(survey: SourceSurvey, mapping: SourceMapping): void {
		this.#survey = survey;
		this.#draft = draftOf(survey, mapping);
	}

	#edited(): SourceMapping {
		if (!this.#draft) return this.#base;
		return this.#ofKnown ? mappingOfKnown(this.#draft, this.#base) : mappingOf(this.#draft, this.#base);
	}

	/** The file's rules count for what comes from now on, and units and kinds for what is stored. */
	async #importKnown(mapping: SourceMapping): Promise<void> {
		const { store } = session;
		if (!store) return;
		await store.settings.set(MAPPING_KEY, mapping);
		await this.editKnown(store);
	}

	async #updateRegistry(store: Store, mapping: SourceMapping): Promise<void> {
		const sensors = await store.registry.sensors();
		const rules = new Map(mapping.sensors.map((rule) => [`${rule.machine ?? ''}:${rule.sensor}`, rule]));
		const changed = sensors.flatMap((sensor) => {
			const rule = rules.get(sensor.source ?? sensor.id);
			if (!rule || (!rule.unit && !rule.kind)) return [];
			return [{ ...sensor, ...(rule.unit && { unit: rule.unit }), ...(rule.kind && { kind: rule.kind }) }];
		});
		if (changed.length > 0) await store.registry.upsert([], changed);
	}

	async #stored(): Promise<SourceMapping | undefined> {
		if (session.workspace !== 'plant' || !session.store) return undefined;
		return session.store.settings.get<SourceMapping>(MAPPING_KEY);
	}
}

export const onboarding = new Onboarding();
