import type { Daemon } from './daemon.entity.ts';

/** Whether a daemon may use a repository on its machine. */
export function allowsPath(daemon: Daemon, path: string | null): boolean {
  return (
    path === null ||
    daemon.localPaths.some((allowed) => path === allowed || path.startsWith(`${allowed.replace(/\/$/, '')}/`))
  );
}
