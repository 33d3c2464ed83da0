import type { TaskStatus } from '../client/generated/graphql.ts';
import { harmless, type Paint, paintStatus, taskColour } from './style.ts';
import { padded } from './table.ts';
import type { LogEvent, OutputEvent } from './task-log.ts';

const TOLD_BY_COMPLETION: ReadonlySet<TaskStatus> = new Set(['DONE', 'FAILED', 'CANCELLED']);

/**
 * Turns a contract's log into lines, each with the name of its task in front. Streamed messages come in chunks:
 * they are held back until a line is whole, per message, so that the lines of two agents never mix.
 */
export class EventLines {
  readonly #paint: Paint;
  readonly #positions = new Map<string, number>();
  readonly #partial = new Map<string, string>();
  #width: number;

  constructor(paint: Paint, width = 12) {
    this.#paint = paint;
    this.#width = width;
  }

  /** The lines that an event adds; none for what a person need not see. */
  linesOf(event: LogEvent): string[] {
    switch (event.__typename) {
      case 'OutputEntry':
        return this.#output(event);
      case 'TaskUpdatedEvent':
        if (event.type === 'TASK_CREATED') return [this.#line(event.task, this.#aside('task created'))];
        if (!event.updatedFields.includes('status') || TOLD_BY_COMPLETION.has(event.taskStatus)) return [];
        return [this.#line(event.task, this.#aside('is ') + paintStatus(event.taskStatus, this.#paint))];
      case 'TaskCompletedEvent': {
        // A task that ended well may still carry the reasons of earlier attempts.
        const well = event.taskStatus === 'DONE' || event.taskStatus === 'MERGED';
        const said = well ? event.outputSummary : (event.errorMessage ?? event.outputSummary);
        const rest = said ? `: ${firstLine(said)}` : '';
        return [
          this.#line(event.task, this.#aside('ended ') + paintStatus(event.taskStatus, this.#paint) + rest),
        ];
      }
      case 'TaskStalledEvent':
        return [this.#line(event.task, this.#paint('yellow', 'has been silent for a while'))];
      case 'QuestionEvent':
        return this.#question(event);
      case 'CheckpointCreatedEvent': {
        const { number, filesChanged, linesAdded, linesRemoved, task } = event.checkpoint;
        const size = `${filesChanged} file${filesChanged === 1 ? '' : 's'}, +${linesAdded} −${linesRemoved}`;
        return [this.#line(task, this.#aside(`checkpoint ${number}: ${size}`))];
      }
      case 'MergeFinishedEvent': {
        const colour = event.outcome === 'CONFLICT' ? 'red' : 'green';
        const outcome = this.#paint(colour, event.outcome.toLowerCase().replaceAll('_', ' '));
        const where = ` into ${harmless(event.targetBranch)}${event.commitSha ? ` (${event.commitSha.slice(0, 10)})` : ''}`;
        return [this.#line(event.task, `merge: ${outcome}${this.#aside(where)}`)];
      }
      case 'MessageSentEvent':
        return this.#lines(
          event.task,
          `message from ${event.sent.sender.toLowerCase()}: ${event.sent.content}`,
        );
      case 'ConversationRewoundEvent':
        return [
          `The conversation was rewound: ${event.messagesRemoved} messages went, ${event.newMessageCount} stay.`,
        ];
      case 'RedTeamNotifiedEvent': {
        const colour = event.severity === 'CRITICAL' || event.severity === 'HIGH' ? 'red' : 'yellow';
        const where = [event.about?.name, event.file].filter(Boolean).join(', ');
        const title = `Red team, ${event.severity}${where ? ` (${harmless(where)})` : ''}: `;
        return [this.#paint(colour, title) + harmless(event.warning)];
      }
      case 'ContractChangedEvent':
        if (event.type !== 'CONTRACT_COMPLETED') return [];
        return [this.#paint('bold', `Contract ${harmless(event.contract.name)} is completed.`)];
    }
  }

  #output(event: OutputEvent): string[] {
    const { task } = event;
    switch (event.outputType) {
      // Told by the question's own event.
      case 'SUPERVISOR_QUESTION':
        return [];
      case 'TOOL_CALL':
        return this.#lines(task, `→ ${event.toolName ?? 'tool'} ${event.content}`, 'gray');
      case 'TOOL_RESULT':
        return this.#lines(task, event.content, event.isError ? 'red' : 'gray');
      case 'ERROR':
        return this.#lines(task, event.content, 'red');
      case 'THOUGHT':
        return this.#chunk(event, 'gray');
      case 'USER':
        return this.#lines(task, `> ${event.content}`, 'gray');
      default:
        return this.#chunk(event);
    }
  }

  #chunk(event: OutputEvent, colour?: 'gray'): string[] {
    const key = `${event.task.id} ${event.attempt} ${event.messageId ?? ''}`;
    const text = (this.#partial.get(key) ?? '') + event.content;
    if (!event.isPartial) {
      this.#partial.delete(key);
      return this.#lines(event.task, text, colour);
    }
    const end = text.lastIndexOf('\n');
    this.#partial.set(key, text.slice(end + 1));
    return end < 0 ? [] : this.#lines(event.task, text.slice(0, end), colour);
  }

  #question({ type, question }: Extract<LogEvent, { __typename: 'QuestionEvent' }>): string[] {
    if (type === 'QUESTION_ASKED') {
      const choices = question.choices.length > 0 ? `  [${question.choices.join(' | ')}]` : '';
      const how = this.#aside(`taskmesh question answer ${question.id}`);
      return [
        ...this.#lines(question.task, `asks: ${question.question}${choices}`, 'yellow'),
        this.#line(question.task, how),
      ];
    }
    if (type === 'QUESTION_ANSWERED')
      return this.#lines(question.task, `was answered: ${question.response ?? ''}`, 'yellow');
    return this.#lines(question.task, `question closed without an answer: ${question.question}`, 'yellow');
  }

  #lines(task: { id: string; name: string }, text: string, colour?: 'gray' | 'red' | 'yellow'): string[] {
    return text
      .replace(/\r?\n$/, '')
      .split(/\r\n|\n|\r/)
      .map((line) => this.#line(task, colour ? this.#paint(colour, harmless(line)) : harmless(line)));
  }

  #line(task: { id: string; name: string }, text: string): string {
    let position = this.#positions.get(task.id);
    if (position === undefined) {
      position = this.#positions.size;
      this.#positions.set(task.id, position);
    }
    const name = firstLine(task.name).slice(0, 24);
    this.#width = Math.max(this.#width, name.length);
    return `${this.#paint(taskColour(position), padded(name, this.#width))} ${this.#aside('│')} ${text}`;
  }

  #aside(text: string): string {
    return this.#paint('gray', text);
  }
}

function firstLine(text: string): string {
  return harmless(text.trim().split('\n', 1)[0] ?? '');
}
