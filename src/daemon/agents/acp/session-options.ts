import { methods } from '@agentclientprotocol/sdk/unstable';
import { z } from 'zod';
import { AgentFailure, messageOf } from './failures.ts';
import type { SessionOptions } from './session.ts';

const selectOptionSchema = z.union([
  z.object({ value: z.string() }).transform(({ value }) => [value]),
  z
    .object({ options: z.array(z.object({ value: z.string() })) })
    .transform(({ options }) => options.map(({ value }) => value)),
]);

/** What can be chosen in a session, as its opening says. */
export const configuredSchema = z.object({
  modes: z
    .object({ availableModes: z.array(z.object({ id: z.string() })) })
    .nullish()
    .catch(undefined),
  configOptions: z
    .array(
      z.union([
        z.object({
          type: z.literal('select'),
          id: z.string(),
          category: z.string().nullish(),
          options: z.array(selectOptionSchema),
        }),
        z.unknown().transform(() => null),
      ]),
    )
    .nullish()
    .catch(undefined),
});
export type Configured = z.infer<typeof configuredSchema>;

/**
 * Sets the mode and the model that the profile names.
 * @throws AgentFailure when the agent does not offer them: working in another than was meant is no way out
 */
export async function configure(
  options: SessionOptions,
  sessionId: string,
  offered: Configured,
): Promise<void> {
  const { mode, model } = options.profile;
  if (mode !== undefined) await set(options, sessionId, offered, 'mode', mode);
  if (model !== undefined) await set(options, sessionId, offered, 'model', model);
}

async function set(
  options: SessionOptions,
  sessionId: string,
  offered: Configured,
  what: 'mode' | 'model',
  value: string,
): Promise<void> {
  const { process, signal } = options;
  const option = offered.configOptions?.find((each) => each?.category === what);
  const modes = what === 'mode' ? offered.modes?.availableModes.map(({ id }) => id) : undefined;
  const values = option?.options.flat() ?? modes ?? [];
  if (!values.includes(value)) {
    const has = values.length > 0 ? `it offers ${values.join(', ')}` : `it offers none to choose from`;
    throw new AgentFailure(
      `${process.command} has no ${what} ${value}: ${has}. Correct the agent's profile.`,
    );
  }
  const { setConfigOption, setMode } = methods.agent.session;
  const asked = option
    ? process.agent.request(setConfigOption, { sessionId, configId: option.id, value })
    : process.agent.request(setMode, { sessionId, modeId: value });
  try {
    await process.answer(asked, `while its ${what} was being set`, { timeoutMs: 60_000, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new AgentFailure(`${process.command} did not take the ${what} ${value}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
