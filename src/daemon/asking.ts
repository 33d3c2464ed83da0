import { randomUUID } from 'node:crypto';
import { ApiError } from '../client/errors.ts';
import type { PersonAnswer, PersonQuestion } from './agents/conversation.ts';
import type { Asked, DaemonApi } from './api.ts';

/** A proxy or a client between us and the server would cut a longer wait. */
const SLICE_SECONDS = 50;
/** A person may sleep over it. */
const LIVES_SECONDS = 86_400;

const MAX_QUESTION_CHARS = 20_000;
const MAX_CONTEXT_CHARS = 100_000;

/**
 * Asks the person in the name of an agent, and waits for the answer. The question is withdrawn when the signal
 * aborts first.
 * @returns null when nobody answered in time, or the question was withdrawn by the person
 * @throws ApiError when it cannot be asked (CONTRACT_CLOSED, STALE_ATTEMPT …), the signal's reason when it aborts
 */
export async function askPerson(
  api: DaemonApi,
  of: { taskId: string; attempt: number },
  question: PersonQuestion,
  signal: AbortSignal,
): Promise<PersonAnswer | null> {
  const input = {
    ...of,
    question: question.question.slice(0, MAX_QUESTION_CHARS).toWellFormed(),
    choices: [...question.choices],
    context: question.context?.slice(0, MAX_CONTEXT_CHARS).toWellFormed() ?? null,
    multiSelect: question.multiSelect ?? false,
    questionType: question.isPermission ? ('PERMISSION' as const) : ('GENERAL' as const),
    timeoutSeconds: LIVES_SECONDS,
    waitSeconds: 0,
    requestId: randomUUID(),
  };
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const giveUp = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  const asking = api.askQuestion(input);
  try {
    let asked = await Promise.race([asking, aborted.promise]);
    const { id } = asked.question;
    while (asked.outcome === 'PENDING')
      asked = await Promise.race([api.awaitAnswer(id, SLICE_SECONDS), aborted.promise]);
    if (asked.outcome !== 'ANSWERED') return null;
    await api.acknowledgeAnswer(id);
    return answerOf(asked);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'QUESTION_CLOSED') return null;
    // Not waited for: the agent is to have its answer now. What has an answer or no asker is withdrawn by itself.
    if (signal.aborted)
      void asking.then(({ question: { id } }) => api.withdrawQuestion(id)).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function answerOf({ question }: Asked): PersonAnswer {
  return { choices: question.answerChoices ?? [], text: question.answerText };
}
