/**
 * Property tests draw the same examples in every run, so that a failure is one of the change at hand. `PROPERTY_SEED=n` draws others;
 * `npm run fuzz` draws new ones each time.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 20261126) });
