/**
 * Base of every coded error. Each layer declares one subclass with a closed union of codes; callers switch on
 * `code`, never on the message. `remedy` tells the reader how to mend it and is shown next to the message.
 */
export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly remedy: string;

  constructor(code: Code, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }

  toJSON(): { code: Code; message: string; remedy: string } {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

/** Renders any thrown value for a person: `code: message (remedy)`. */
export function describeError(error: unknown): string {
  if (error instanceof CodedError) return `${error.code}: ${error.message} (${error.remedy})`;
  return error instanceof Error ? error.message : String(error);
}
