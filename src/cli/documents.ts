import { type Command, Option } from 'commander';
import { type ContractPhase, SetDocumentDocument } from '../client/generated/graphql.ts';
import { newRequestId } from './api.ts';
import type { Cli } from './cli.ts';
import { type Lesson, oneOf } from './help.ts';
import { PHASE_NAMES, PHASES } from './phases.ts';
import { harmless } from './style.ts';
import { textOfFile } from './text-input.ts';

export interface DocumentOptions {
  file: string;
  phase?: ContractPhase;
}

/** The same for a person (`document set`) and a supervisor (`supervisor document`). */
export function documentHelp(examples: readonly string[]): Lesson {
  return {
    about:
      'Writes a document of an open contract, in Markdown: a new one, or the one of that name anew. A document that is\n' +
      'there keeps its phase when none is given.',
    examples,
    exits: {
      1: 'the contract is closed (CONTRACT_CLOSED)',
      2: 'wrong usage, or the file cannot be read',
      4: 'there is no such contract',
    },
  };
}

export function documentOptions(command: Command): Command {
  return command
    .argument('<name>', 'name of the document')
    .requiredOption('--file <file>', 'file with the text, - for stdin')
    .addOption(
      new Option('--phase <phase>', `the phase it belongs to: ${PHASE_NAMES}`).argParser(oneOf(PHASES)),
    );
}

/** @param contractId undefined for a supervisor, whose key says which */
export async function setDocument(
  cli: Cli,
  contractId: string | undefined,
  name: string,
  options: DocumentOptions,
): Promise<void> {
  const content = await textOfFile(options.file, 'file', cli.terminal);
  const api = await cli.api();
  const { setDocument } = await api.call(SetDocumentDocument, {
    input: { contractId, name, content, phase: options.phase, requestId: newRequestId() },
  });
  const { document } = setDocument;
  cli.result(document, () => `${harmless(document.name)}: ${document.content.length} characters`);
}
