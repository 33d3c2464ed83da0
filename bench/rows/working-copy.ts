import type { Row, Sample } from '../harness/row.ts';
import { median } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';

/** The names of what is timed, by those of the results. */
const STEPS = {
  'working-copy': 'begin',
  checkpoint: 'checkpoint',
  'checkpoint-unchanged': 'unchanged',
  merge: 'merge',
} as const;

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const copies = await world.child('servers/working-copies.ts', { files: world.size(1_000, 100) });
  const measure = async (who: 'ours' | 'byHand') => {
    const rounds: Record<string, number>[] = [];
    for (let round = 0; round < world.size(3, 1); round += 1)
      rounds.push(await copies.call<Record<string, number>>(who));
    return (step: string) => median(rounds.map((times) => times[step] ?? Number.NaN));
  };
  return async () => {
    const [ours, theirs] = [await measure('ours'), await measure('byHand')];
    return Object.entries(STEPS).map(([name, step]) => ({ name, ours: ours(step), peer: theirs(step) }));
  };
}

const inMilliseconds = (beside: string) =>
  ({ unit: 'ms (p50)', better: 'lower', beside, target: null }) as const;

export const workingCopy: Row = {
  name: 'working-copy',
  title: 'What a daemon does with git for a task, in a repository of 1,000 files',
  measures: {
    'working-copy': inMilliseconds('git clone --shared and git switch -c, by hand'),
    checkpoint: inMilliseconds('git add -A and git commit, by hand'),
    'checkpoint-unchanged': inMilliseconds('git status, by hand'),
    merge: inMilliseconds('git fetch from the copy and git merge --no-ff, by hand'),
  },
  prepare,
};
