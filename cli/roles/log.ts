import pino, { type Logger } from 'pino';

/** JSON lines on standard error; `DAAS_LOG_LEVEL` sets the level. */
export function partLogger(part: string): Logger {
  return pino({ name: part, level: process.env['DAAS_LOG_LEVEL'] ?? 'info' }, pino.destination(2));
}
