/**
 * Unit tests draw the same numbers in every run, so that a failure is one of the change at hand: the examples of property tests, and
 * whatever libraries take from Math.random (first weights, dropout, shuffling). `PROPERTY_SEED=n` draws others; `npm run fuzz` draws new
 * examples each time.
 */
import fc from 'fast-check';
import { randomFrom } from '../../src/lib/neural/random';

const seed = Number(process.env.PROPERTY_SEED ?? 20261126);
fc.configureGlobal({ seed });
Math.random = randomFrom(seed);
