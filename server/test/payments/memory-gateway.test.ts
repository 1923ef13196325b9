import { gatewayContract } from './gateway.contract.ts';
import { openMemory } from './gateways.ts';

gatewayContract('memory gateway', () => openMemory());
