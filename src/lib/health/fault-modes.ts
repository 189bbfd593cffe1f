/**
 * Health Assessment: which fault modes the evidence fits, per machine class.
 *
 * In: the sensors that deviate (with direction) and the frequencies that stand out of spectra. Out: hypotheses, best fit first, with the evidence in
 * plain sentences. A signature says what a mode raises or lowers (ISO 13373-3, ISO 17359 annex B; Bloch & Geitner); the
 * fit is the share of the signature's weight that is seen, less what is seen against it.
 */
import {
	spokenName,
	type FaultHypothesis,
	type FrequencyFinding,
	type MachineClassId,
	type SensorDeviation
} from '../contracts';
import { faultSignatures, type FaultSignature } from './fault-signatures';

/** A line this many times the noise around it stands out; ten times that is full evidence. */
const standsOut = 5;
/** Below this fit a hypothesis says nothing. */
const leastFit = 0.2;
/** A mode known by one common sensor (vibration) is never as sure as one that several bear out. */
const leastWeight = 1.6;
/** Every machine has shaft lines: one is full evidence from this velocity on, the A|B limit of a medium machine on a rigid foundation. */
const telling = 1.4;

export interface FaultEvidence {
	readonly machineClass: MachineClassId | undefined;
	/** Empty while the machine is normal. */
	readonly deviations: readonly SensorDeviation[];
	readonly findings: readonly FrequencyFinding[];
	/** Of the waveform, where there is one; normal noise has 3. */
	readonly kurtosis?: number;
}

export function rankHypotheses(evidence: FaultEvidence): FaultHypothesis[] {
	const candidates = faultSignatures.filter(
		({ classes }) => evidence.machineClass === undefined || classes.includes(evidence.machineClass)
	);
	return candidates
		.map((signature) => weigh(signature, evidence))
		.filter(({ fit }) => fit >= leastFit)
		.sort((a, b) => b.fit - a.fit)
		.slice(0, 4);
}

function weigh(signature: FaultSignature, { deviations, findings, kurtosis }: FaultEvidence): FaultHypothesis {
	const said: { strength: number; text: string }[] = [];
	let [seen, possible] = [0, 0];
	const unexplained = new Map(deviations.map((one) => [one.sensorName, one.share]));
	for (const { match, direction, weight } of signature.sensors) {
		const hit = deviations.find(({ sensorName }) => match.test(sensorName));
		possible += weight;
		if (!hit || hit.note) continue;
		const beyond = (hit.actual - hit.expected) / Math.max(hit.band, 1e-9);
		const agrees = direction === 'any' || (direction === 'up' ? beyond > 0 : beyond < 0);
		// The residual's share says how much of the deviation this sensor carries.
		const strength = Math.min(1, Math.abs(beyond)) * Math.min(1, 2 * hit.share + 0.2);
		if (!agrees) {
			if (Math.abs(beyond) > 1) seen -= weight * 0.5 * strength;
			continue;
		}
		unexplained.delete(hit.sensorName);
		seen += weight * strength;
		if (strength > 0.15 && hit.share >= 0.02) {
			const side = beyond > 0 ? 'above' : 'below';
			said.push({
				strength: weight * strength,
				text: `${spokenName(hit.sensorName)} is ${side} what is expected (${share(hit.share)} of the deviation)`
			});
		}
	}
	const left = [...unexplained.values()].reduce((a, b) => a + b, 0);
	let fit =
		deviations.length > 0 && possible > 0
			? Math.max(0, seen / Math.max(possible, leastWeight)) * (1 - 0.7 * Math.min(1, left))
			: 0;
	let spectral = 0;
	for (const { ids, weight } of signature.lines) {
		const best = findings.filter(({ id }) => ids.includes(id)).sort((a, b) => b.prominence - a.prominence)[0];
		if (!best || best.prominence < standsOut) continue;
		const strength = Math.min(1, Math.log10(best.prominence / standsOut) + 0.25) * significance(best);
		spectral += weight * strength;
		if (strength < 0.1) continue;
		const where = best.seenIn === 'envelope' ? 'the envelope spectrum' : 'the spectrum';
		said.push({
			strength: weight * strength,
			text: `${best.title} (${best.hz.toFixed(1)} Hz) stands ${Math.round(best.prominence)} times above the noise in ${where}`
		});
	}
	if (signature.impulsive && kurtosis !== undefined && kurtosis > 4) {
		spectral += 0.3;
		said.push({
			strength: 0.3,
			text: `the waveform is impulsive (kurtosis ${kurtosis.toFixed(1)}, normal noise has 3)`
		});
	}
	// Spectral and sensor evidence support each other; neither needs the other.
	spectral = Math.min(1, spectral);
	fit = 1 - (1 - Math.min(1, fit)) * (1 - 0.8 * spectral);
	said.sort((a, b) => b.strength - a.strength);
	return {
		id: signature.id,
		title: signature.title,
		fit,
		evidence: said.map(({ text }) => text).slice(0, 4),
		check: signature.check
	};
}

/**
 * How much a line that stands out says: impacts in the envelope by themselves, a gear mesh by its sidebands (a healthy one has
 * few), shaft and blade lines by their velocity; 0.3 where that cannot be had.
 */
function significance(finding: FrequencyFinding): number {
	if (finding.seenIn === 'envelope') return 1;
	if (finding.id === 'mesh') return Math.min(1, finding.sidebandShare ?? 0);
	return finding.velocityRms === undefined ? 0.3 : Math.min(1, finding.velocityRms / telling);
}

function share(value: number): string {
	return `${Math.round(100 * value)} %`;
}
