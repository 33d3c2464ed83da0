import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A plan for the shell: says `line 0`, `line 1` … in so many parts, each when the scenario gives the cue for it, so that
 * what the scenario does always hits while there is something to say.
 */
export function speech(
  directory: string,
  {
    parts,
    linesEach,
    burst = 50,
    pause = 0.05,
  }: { parts: number; linesEach: number; burst?: number; pause?: number },
): string {
  return `
part=0; line=0
while [ $part -lt ${parts} ]; do
  while [ ! -e '${directory}'/cue-$part ]; do sleep 0.05; done
  said=0
  while [ $said -lt ${linesEach} ]; do
    echo "line $line"; line=$((line + 1)); said=$((said + 1))
    [ $((said % ${burst})) -ne 0 ] || sleep ${pause}
  done
  part=$((part + 1))
done
`;
}

/** Lets all that hold the speech say this part. */
export function giveCue(directory: string, part: number): void {
  writeFileSync(join(directory, `cue-${part}`), '');
}

/** Gives all cues that were not given. */
export function giveAllCues(directory: string, parts: number): void {
  for (let part = 0; part < parts; part += 1)
    if (!existsSync(join(directory, `cue-${part}`))) giveCue(directory, part);
}

/** `line 0`, `line 1` … */
export function linesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `line ${index}`);
}
