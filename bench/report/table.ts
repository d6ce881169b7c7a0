/** A Markdown table; the first column is text, the others are numbers. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, at) => (at === 0 ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

/** Heading, text and table; nothing without rows. */
export function section(
  title: string,
  text: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return '';
  return [`## ${title}`, text, table(header, rows)].filter((part) => part !== '').join('\n\n');
}

const NONE = '–';

/** Three significant digits at least, never an exponent; `–` for what was not measured. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(0)} %` : NONE;
}

export function range({ min, max }: { readonly min: number; readonly max: number }): string {
  return `${number(min)} – ${number(max)}`;
}
