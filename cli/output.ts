import { describeError, CodedError, toHex } from '@k3s-daas/core';

/** How a command answers: one JSON document with `--json`, text for people otherwise. */
export interface Output {
  readonly json: boolean;
}

/** JSON with bigints as decimal strings and bytes as hex. */
export function toJson(value: unknown, indent?: number): string {
  const plain = (_key: string, item: unknown): unknown => {
    if (typeof item === 'bigint') return item.toString();
    if (item instanceof Uint8Array) return toHex(item);
    if (item instanceof Map) return Object.fromEntries(item as Map<string, unknown>);
    return item;
  };
  return JSON.stringify(value, plain, indent);
}

export function print(output: Output, value: unknown, text: () => string): void {
  process.stdout.write(`${output.json ? toJson(value) : text()}\n`);
}

/** Exit codes: 1 a coded refusal or failed check, 2 wrong usage, 70 a defect of ours. */
export function reportFailure(error: unknown, json: boolean): number {
  const coded = error instanceof CodedError;
  if (json) {
    const body = coded ? error.toJSON() : { code: 'INTERNAL', message: describeError(error) };
    process.stdout.write(`${toJson({ error: body })}\n`);
  } else {
    process.stderr.write(`${describeError(error)}\n`);
    if (!coded && error instanceof Error && error.stack !== undefined)
      process.stderr.write(`${error.stack}\n`);
  }
  if (!coded) return 70;
  return error.code === 'USAGE' ? 2 : 1;
}
