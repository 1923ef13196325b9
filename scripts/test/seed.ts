// Loaded before each test file when TEST_SEED is set: every property of fast-check then runs with that seed.

import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.TEST_SEED) });
