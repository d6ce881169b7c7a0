/** Breaks a source file in one place at a time: each check taken out, each condition the other way round. */
import ts from 'typescript';

export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  /** Span of the source that is replaced, in UTF-16 code units, and what comes there. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const SWAPPED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
]);

/** All mutants of one file, in the order of the source. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, what: string, text: string): void => {
    const start = node.getStart(tree);
    const { line } = tree.getLineAndCharacterOfPosition(start);
    found.push({ file, line: line + 1, what, start, end: node.getEnd(), text });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isThrowStatement(node)) {
      add(node, 'does not throw', `void (${node.expression.getText(tree)});`);
    } else if (ts.isExpressionStatement(node) && /^(await )?(require|check)\w+\(/.test(node.getText(tree))) {
      add(node, 'is not called', ';');
    } else if (ts.isIfStatement(node)) {
      add(node.expression, 'is always true', 'true');
      add(node.expression, 'is always false', 'false');
    } else if (ts.isBinaryExpression(node)) {
      const swapped = SWAPPED.get(node.operatorToken.kind);
      if (swapped !== undefined) add(node.operatorToken, `is ${swapped}`, swapped);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}
