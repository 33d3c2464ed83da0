/** For each state those that it may become: total, so that a state that is added and forgotten does not compile. */
export type Moves<State extends string> = Readonly<Record<State, readonly State[]>>;

/**
 * Changes a state along the table. Whether a caller may ask for it was decided before, in the caller's words: a move that
 * the table lacks is a mistake of ours.
 */
export function move<State extends string>(
  moves: Moves<State>,
  thing: { readonly id: string; status: State },
  to: State,
): void {
  if (!moves[thing.status].includes(to))
    throw new Error(`${thing.id} cannot go from ${thing.status} to ${to}`);
  thing.status = to;
}
