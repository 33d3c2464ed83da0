import { findContract } from '../contracts/contract.access.ts';
import { listenTo, Source } from '../events/source.ts';
import { OwnerCounter } from '../keys/owner-counter.entity.ts';
import { authorize } from '../keys/permissions.ts';
import { topics } from '../platform/doorbell.ts';
import type { Operation } from '../platform/runtime.ts';
import { Question } from './question.entity.ts';

const PAGE = 100;

/**
 * The owner's questions as they are asked, those that are pending first; or as they are answered. All contracts of the
 * owner, or one. Both follow the owner's dense sequence of changes, so none is skipped.
 */
export async function questionSource(
  op: Operation,
  which: 'asked' | 'answered',
  contractId: string | null | undefined,
): Promise<AsyncIterableIterator<Question>> {
  authorize(op.principal, contractId ? 'read' : 'own');
  const { runtime } = op;
  const { ownerId } = op.principal;
  const contract = contractId ? await findContract(op.em, op.principal, contractId) : null;
  const mine = { ownerId, ...(contract ? { contractId: contract.id } : {}) };
  const column = which === 'asked' ? 'askedChange' : 'answeredChange';
  let position = (await runtime.db.fork().findOneOrFail(OwnerCounter, { ownerId })).lastQuestionChange;
  let backlog =
    which === 'asked'
      ? await runtime.db
          .fork()
          .find(
            Question,
            { ...mine, status: 'PENDING', askedChange: { $lte: position } },
            { orderBy: { id: 'asc' } },
          )
      : [];
  return new Source<Question>({
    listen: (wake) => listenTo(runtime.doorbell, topics.questions(ownerId), wake),
    read: async () => {
      if (backlog.length > 0) {
        const first = backlog;
        backlog = [];
        return first;
      }
      const page = await runtime.db
        .fork()
        .find(
          Question,
          { ...mine, [column]: { $gt: position } },
          { orderBy: { [column]: 'asc' }, limit: PAGE },
        );
      position = page.at(-1)?.[column] ?? position;
      return page;
    },
  });
}
