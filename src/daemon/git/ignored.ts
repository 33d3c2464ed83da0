import { type GitOptions, git } from './run.ts';

/**
 * Those of the paths that git ignores, by what the .gitignore files say.
 * @param call options for git on the files of a working copy
 */
export async function ignoredPaths(call: GitOptions, paths: readonly string[]): Promise<Set<string>> {
  const checked = await git(['check-ignore', '--no-index', '-z', '--stdin'], {
    ...call,
    // The one command that refuses literal paths; what begins with `./` is none of its patterns either.
    env: { ...call.env, GIT_LITERAL_PATHSPECS: '0' },
    input: paths.map((path) => `./${path}\0`).join(''),
    okCodes: [0, 1],
  });
  return new Set(checked.stdout.split('\0').map((path) => path.slice(2)));
}
