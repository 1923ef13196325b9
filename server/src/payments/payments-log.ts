// The log as payments use it: pino's shape. Never bodies, contacts or secrets.

export interface PaymentsLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
