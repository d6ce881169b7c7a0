/**
 * Which values of a transaction are entangled with a hot potato. A non-public `entry` function must behave as if it
 * were the only command, so none of its arguments may be in a clique that holds a value nobody may drop or store
 * (Move Book, "Entry Functions"; sui-adapter static_programmable_transactions/typing/verify/private_entry_arguments).
 */
export class Cliques {
  readonly #parent: number[] = [];
  readonly #hotCount: number[] = [];

  /** A new clique of one cold value. */
  add(): number {
    this.#parent.push(this.#parent.length);
    this.#hotCount.push(0);
    return this.#parent.length - 1;
  }

  merge(members: readonly number[]): number {
    const [first, ...rest] = members;
    if (first === undefined) return this.add();
    const root = this.#root(first);
    for (const member of rest) {
      const other = this.#root(member);
      if (other === root) continue;
      this.#parent[other] = root;
      this.#hotCount[root] = this.#count(root) + this.#count(other);
    }
    return root;
  }

  /** A hot value joins (+1) or leaves (-1) the clique. */
  heat(member: number, by: 1 | -1): void {
    const root = this.#root(member);
    this.#hotCount[root] = this.#count(root) + by;
  }

  /** A shared object was consumed: the clique stays hot to the end. */
  heatForever(member: number): void {
    this.#hotCount[this.#root(member)] = Infinity;
  }

  isHot(member: number): boolean {
    return this.#count(this.#root(member)) > 0;
  }

  #count(root: number): number {
    return this.#hotCount[root] ?? 0;
  }

  #root(member: number): number {
    let current = member;
    while (this.#parent[current] !== current) current = this.#parent[current] ?? member;
    return current;
  }
}
