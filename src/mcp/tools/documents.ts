import { z } from 'zod';
import { DocumentListDocument, SetDocumentDocument } from '../../client/generated/graphql.ts';
import { excerpt } from '../excerpt.ts';
import { ArgumentsError } from '../failures.ts';
import { ROLES, SUPERVISION, tool } from '../tool.ts';

const PHASES = ['RESEARCH', 'SPECIFY', 'PLAN', 'EXECUTE', 'REVIEW'] as const;

export const readDocument = tool({
  name: 'read_document',
  title: 'Read a document of the contract',
  description:
    'Reads a document of the contract, such as its specification or plan; without a name it lists them. A long one comes in pieces: go on with offset.',
  roles: ROLES,
  effect: 'reads',
  isOfContract: true,
  input: z.object({
    name: z.string().optional().describe('The name of the document; left out: the names of all.'),
    offset: z.int().min(0).default(0).describe('Where to go on: the nextOffset of the call before.'),
  }),
  async run({ name, offset }, call) {
    const { documents } = await call.ask(DocumentListDocument, { contractId: call.contractId });
    if (name === undefined) {
      return {
        data: {
          documents: documents.map(({ name, phase, content, updatedAt }) => ({
            name,
            phase,
            characters: content.length,
            updatedAt,
          })),
        },
      };
    }
    const document = documents.find((candidate) => candidate.name === name);
    if (!document) {
      const names = documents.map((candidate) => candidate.name).join(', ') || 'none';
      throw new ArgumentsError(`There is no document ${name}. There is: ${names}.`);
    }
    const { text, nextOffset } = excerpt(document.content, offset);
    return {
      data: { name, phase: document.phase, updatedAt: document.updatedAt, content: text, nextOffset },
    };
  },
});

export const setDocument = tool({
  name: 'set_document',
  title: 'Write a document of the contract',
  description:
    'Writes a document of the contract, in Markdown: a new one, or the one of that name anew, whole. Keep the specification and the plan there, so that whoever goes on after you finds them.',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    name: z.string().describe('Its name, such as specification or plan.'),
    content: z.string().describe('All of its text, in Markdown.'),
    phase: z.enum(PHASES).optional().describe('The phase it belongs to; left out: as before, or none.'),
  }),
  async run({ name, content, phase }, call) {
    const { contractId, requestId } = call;
    const { setDocument } = await call.ask(SetDocumentDocument, {
      input: { contractId, name, content, phase, requestId },
    });
    const { document } = setDocument;
    return { data: { name: document.name, phase: document.phase, characters: document.content.length } };
  },
});
