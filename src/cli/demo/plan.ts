import { readFile } from 'node:fs/promises';

const TASK_PLANS = ['work-history.sh', 'work-files.sh', 'work-notes.sh'] as const;

/**
 * The supervisor's plan as one script. An agent gets its plan and nothing else, so the plans of its tasks travel
 * in front of it, as here-documents that write them to $plans.
 */
export async function supervisorPlan(): Promise<string> {
  const parts = ['plans=$(mktemp -d)', `trap 'rm -rf "$plans"' EXIT`];
  for (const name of TASK_PLANS) {
    parts.push(`cat > "$plans/${name}" <<'END OF PLAN'\n${await read(name)}END OF PLAN`);
  }
  parts.push(await read('supervisor.sh'));
  return parts.join('\n');
}

function read(name: string): Promise<string> {
  return readFile(new URL(`./${name}`, import.meta.url), 'utf8');
}
