/**
 * Simulator physics: a three-phase induction motor as seen from its terminals.
 *
 * In: shaft power, line voltage. Out: input power, line current, slip. Equivalent circuit reduced to a constant loss, a
 * copper loss with the square of load, and a magnetising current in quadrature with the active one
 * (Chapman, Electric Machinery Fundamentals, ch. 6).
 */
export interface MotorRating {
	readonly shaftKw: number;
	readonly volts: number;
	/** Iron, friction and fan loss, kW; copper loss at rated load, kW. */
	readonly constantLossKw: number;
	readonly copperLossKw: number;
	/** Magnetising current, A at rated voltage. */
	readonly magnetisingAmps: number;
	readonly ratedSlip: number;
}

const SQRT3 = Math.sqrt(3);

/** Electrical input in kW for a shaft load; negative shaft power (overhauling) is not modelled. */
export function inputPowerKw(rating: MotorRating, shaftKw: number): number {
	const load = shaftKw / rating.shaftKw;
	return shaftKw + rating.constantLossKw + rating.copperLossKw * load * load;
}

/** Line current in A: active and magnetising part in quadrature. */
export function lineAmps(rating: MotorRating, inputKw: number, volts: number): number {
	const active = (inputKw * 1000) / (SQRT3 * volts);
	const magnetising = (rating.magnetisingAmps * volts) / rating.volts;
	return Math.sqrt(active * active + magnetising * magnetising);
}

/** Slip at a share of rated torque; torque capacity falls with the square of voltage. */
export function slipAt(rating: MotorRating, torqueShare: number, volts: number): number {
	const ratio = rating.volts / volts;
	return rating.ratedSlip * torqueShare * ratio * ratio;
}

/** Extra current while running up direct on line, A, from the share of synchronous speed reached. */
export function inrushAmps(ratedAmps: number, speedShare: number): number {
	const slip = 1 - speedShare;
	return slip > 0.06 ? 5.5 * ratedAmps * Math.sqrt(slip) : 0;
}
