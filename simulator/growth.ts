/**
 * Simulator: laws by which faults grow.
 *
 * In: time since onset as a share of the time to the event. Out: severity 0-1. Each law is a closed form of its
 * differential equation, so that severity depends on time alone, whatever the step.
 */
export interface GrowthLaw {
	readonly title: string;
	readonly formula: string;
	readonly source: string;
	/** Severity at share `u` in [0, 1] of the way from onset to event; 0 at 0, 1 at 1, never falling. */
	readonly severity: (u: number) => number;
}

const normalised = (rate: number) => (u: number) => Math.expm1(rate * u) / Math.expm1(rate);

/** Initial over critical crack length. */
const CRACK_RATIO = 0.1;
const CRACK_SLOPE = 1 - Math.sqrt(CRACK_RATIO);
/** Share of the free area that is blocked at the event. */
const BLOCKED = 0.8;

export const growthLaws = {
	exponential: {
		title: 'exponential degradation',
		formula: 's = (e^(4u) - 1) / (e^4 - 1)',
		source: 'Gebraeel et al. 2005, IIE Transactions 37:543-557 (bearing degradation signals); life after ISO 281',
		severity: normalised(4)
	},
	'paris-erdogan': {
		title: 'fatigue crack growth',
		formula: 'da/dN = C (dK)^3, a0/ac = 0.1: a = a0 / (1 - u (1 - sqrt(a0/ac)))^2, s = (a - a0)/(ac - a0)',
		source: 'Paris & Erdogan 1963, Journal of Basic Engineering 85:528-533',
		severity: (u) => (CRACK_RATIO / (1 - u * CRACK_SLOPE) ** 2 - CRACK_RATIO) / (1 - CRACK_RATIO)
	},
	archard: {
		title: 'sliding wear',
		formula: 'dV = k F ds / H: s = u',
		source: 'Archard 1953, Journal of Applied Physics 24:981-988',
		severity: (u) => u
	},
	'leak-erosion': {
		title: 'erosion of a leak path',
		formula: 'radius grows evenly, area with its square: s = u^2',
		source: 'orifice flow Q = Cd A sqrt(2 dp / rho), ISO 5167; wire-drawing erosion of seats',
		severity: (u) => u * u
	},
	'kern-seaton': {
		title: 'asymptotic fouling',
		formula: 's = (1 - e^(-2.5u)) / (1 - e^-2.5)',
		source: 'Kern & Seaton 1959, British Chemical Engineering 4:258-262',
		severity: (u) => Math.expm1(-2.5 * u) / Math.expm1(-2.5)
	},
	blocking: {
		title: 'pore blocking of a filter',
		formula: 'free area 1 - 0.8u, resistance 1/area^2: s = (1/(1 - 0.8u)^2 - 1) / 24',
		source: 'Hermia 1982, Trans. IChemE 60:183-187 (complete blocking)',
		severity: (u) => (1 / (1 - BLOCKED * u) ** 2 - 1) / (1 / (1 - BLOCKED) ** 2 - 1)
	},
	montsinger: {
		title: 'thermal ageing that feeds itself',
		formula: 'ageing doubles every 10 K, 40 K hotter at the event: s = (2^(4u) - 1) / 15',
		source: 'Montsinger 1930, Trans. AIEE 49:776-790; IEC 60216',
		severity: (u) => (2 ** (4 * u) - 1) / 15
	},
	linear: {
		title: 'even growth',
		formula: 's = u',
		source: 'deposit or slackening at a constant rate',
		severity: (u) => u
	}
} as const satisfies Record<string, GrowthLaw>;

export type GrowthLawId = keyof typeof growthLaws;

/** Severity of a fault that began at `onset` and reaches 1 at `event` (same unit of time). */
export function severityAt(law: GrowthLawId, onset: number, event: number, at: number): number {
	if (at <= onset) return 0;
	if (at >= event) return 1;
	return growthLaws[law].severity((at - onset) / (event - onset));
}

/** Share of the way from onset to event at which the law reaches `severity`, to about 1e-9. */
export function shareAtSeverity(law: GrowthLawId, severity: number): number {
	let low = 0;
	let high = 1;
	for (let i = 0; i < 30; i++) {
		const middle = (low + high) / 2;
		if (growthLaws[law].severity(middle) < severity) low = middle;
		else high = middle;
	}
	return high;
}
