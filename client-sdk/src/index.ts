// @housefull/client: everything an app may import.

export type * from './contract.ts';
export { type Countdown, countdown, formatCountdown } from './countdown.ts';
export type { Unsubscribe } from './emitter.ts';
export { type ConnectOptions, connect, type Housefull, type JoinOptions, type KeyOptions } from './housefull.ts';
export { newKey } from './keys.ts';
export type { BestRequest, CommandOptions, HoldOptions, LiveEvents, LiveShow, PickNeeds } from './live-show.ts';
export { ConnectionFault, type ConnectionFaultCode, type Outcome } from './outcome.ts';
export type { OwnHold, OwnSeats } from './own-seats.ts';
export { CLOSE, PROTOCOL } from './protocol.ts';
export { type RefundStep, refundSteps } from './refund-steps.ts';
export { formatPaise } from './rupees.ts';
export { SeatMirror, type SeatsChange, type Taken } from './seat-mirror.ts';
export type { SeatView } from './seat-view.ts';
export type { LinkState } from './show-link.ts';
export { DEFAULT_TIMING, type Timing } from './timing.ts';
export { type RenewToken, STORAGE_KEY, type TokenStorage } from './token-keeper.ts';
