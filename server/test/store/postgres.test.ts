import { PostgresHarness } from './postgres-harness.ts';
import { describeShowStore } from './show-store.contract.ts';

describeShowStore('Postgres', () => PostgresHarness.open());
