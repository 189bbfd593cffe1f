/**
 * What the diagnosis worker hands to the screens: spectra with named frequencies, hypotheses, gradings. Plain data.
 */
import type { FaultClassification } from './fault-classifier';
import type { EpochMs } from './reading';
import type { MachineDeclaration, VibrationGrading } from './vibration-zones';
import type { WaveformEntry } from './waveform';

/** A frequency that geometry names, and how it stands in a spectrum. */
export interface FrequencyFinding {
	readonly id: string;
	readonly title: string;
	readonly hz: number;
	readonly seenIn: 'spectrum' | 'envelope';
	/** In the waveform's unit, peak. */
	readonly amplitude: number;
	/** Median of the lines around it. */
	readonly floor: number;
	/** amplitude / floor: above 5 stands out of the noise. */
	readonly prominence: number;
	/** The line as velocity, mm/s RMS, where the unit is known. */
	readonly velocityRms?: number;
	/** Sum of the two nearest sidebands over the line itself, where the frequency has sidebands. */
	readonly sidebandShare?: number;
}

/** A stretch of a spectrum; line k lies at k x stepHz. */
export interface SpectrumView {
	readonly stepHz: number;
	readonly values: Float32Array;
}

export interface WaveformDiagnosis {
	readonly machineId: string;
	readonly entry: WaveformEntry;
	readonly spectrum: SpectrumView;
	readonly envelope: SpectrumView;
	/** Band that the envelope was taken of, Hz. */
	readonly envelopeBandHz: readonly [number, number];
	/** False: frequencies are in cycles per sample. */
	readonly rateKnown: boolean;
	readonly shaftHz?: number;
	/** Where the speed comes from, in words; or what is missing. */
	readonly shaftFrom: string;
	readonly findings: readonly FrequencyFinding[];
	readonly figures: Readonly<Record<'rms' | 'peak' | 'crestFactor' | 'kurtosis', number>>;
	/** What a classifier learned from labelled waveforms says, if there is one. */
	readonly classification?: FaultClassification;
}

export interface WaterfallView {
	readonly times: readonly EpochMs[];
	readonly stepHz: number;
	readonly lines: number;
	/** [times, lines], amplitudes. */
	readonly values: Float32Array;
}

/** One way in which the machine may be failing, with how well the evidence fits. */
export interface FaultHypothesis {
	readonly id: string;
	readonly title: string;
	/** 0-1: share of what the mode would show that is seen. Not a probability. */
	readonly fit: number;
	/** What speaks for it, plain sentences, strongest first. */
	readonly evidence: readonly string[];
	/** What to look at to be surer. */
	readonly check: string;
}

export interface MachineDiagnosis {
	readonly declaration: MachineDeclaration;
	/** Where it comes from, per part. */
	readonly declaredBy: 'source' | 'person' | 'both' | 'nobody';
	readonly gradings: readonly VibrationGrading[];
	readonly hypotheses: readonly FaultHypothesis[];
	readonly waveforms: readonly WaveformEntry[];
}
