import type { Moves } from '../platform/states.ts';

/**
 * PENDING     waits for an answer, also after its time when it is kept open
 * ANSWERED    by the first of its answers
 * TIMED_OUT   nobody answered in time; that is not consent
 * WITHDRAWN   taken back, or its contract or attempt ended
 */
export const QUESTION_STATUSES = ['PENDING', 'ANSWERED', 'TIMED_OUT', 'WITHDRAWN'] as const;
export type QuestionStatus = (typeof QUESTION_STATUSES)[number];

export const QUESTION_MOVES: Moves<QuestionStatus> = {
  PENDING: ['ANSWERED', 'TIMED_OUT', 'WITHDRAWN'],
  ANSWERED: [],
  TIMED_OUT: [],
  WITHDRAWN: [],
};
