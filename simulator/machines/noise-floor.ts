/** Simulator: what a vibration transmitter shows on a machine at rest, mm/s. */
export const MILLI_FLOOR = 0.02;
