/** Metrics in the text format of Prometheus. */
export class MetricsText {
  readonly #lines: string[] = [];

  family(name: string, type: string, help: string, samples: readonly string[]): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
  }

  single(name: string, type: string, help: string, value: number | bigint): void {
    this.family(name, type, help, [`${name} ${value}`]);
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
