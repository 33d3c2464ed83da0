import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { type DocumentOptions, documentHelp, documentOptions, setDocument } from '../../documents.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  const lesson = documentHelp(['PATH plan --file plan.md --phase plan', 'PATH findings --file - < notes.md']);
  teach(command, {
    ...lesson,
    about: `${lesson.about}\n\`taskmesh document show NAME\` reads it again.`,
  });
  documentOptions(command).action(async (name: string, options: DocumentOptions) => {
    const api = await cli.api();
    await setDocument(cli, api.contractId, name, options);
  });
}
