import pg from 'pg';
import { type Doorbell, LocalDoorbell, type OnRing } from './doorbell.ts';
import type { Logger } from './logger.ts';

const CHANNEL = 'taskmesh';
/** PostgreSQL refuses payloads of 8,000 bytes and more. https://www.postgresql.org/docs/15/sql-notify.html */
const MAX_PAYLOAD = 7_900;
const PROBE_MS = 2_000;
const RECONNECT_MS = 250;

/**
 * The doorbell between server instances: LISTEN/NOTIFY on a connection of its own. Own rings are heard at once
 * and not sent to oneself. Rings are collected for one turn of the event loop and sent outside any transaction,
 * since a NOTIFY inside one serialises all commits. A connection that was lost, or does not answer its probe, is
 * replaced, and then everything is rung once: rings may have been missed.
 */
export class PostgresDoorbell implements Doorbell {
  readonly #local = new LocalDoorbell();
  readonly #connectionString: string;
  readonly #logger: Logger;
  readonly #instance = Math.random().toString(36).slice(2, 10);
  readonly #pending = new Set<string>();
  #client: pg.Client | undefined;
  #probe: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #busy = false;
  #closed = false;

  constructor(connectionString: string, logger: Logger) {
    this.#connectionString = connectionString;
    this.#logger = logger;
  }

  get listeners(): number {
    return this.#local.listeners;
  }

  async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'taskmesh doorbell',
      keepAlive: true,
      connectionTimeoutMillis: PROBE_MS,
      // Without it a connection whose packets vanish would leave the probe waiting for minutes.
      query_timeout: PROBE_MS,
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', ({ payload }) => {
      const [instance, ...names] = (payload ?? '').split(' ');
      if (instance !== this.#instance) this.#local.ring(names);
    });
    try {
      await client.connect();
      // PostgreSQL writes and flushes a commit for each NOTIFY. What may be lost needs not wait for a disk, nor keep it from
      // those who do.
      await client.query(`SET synchronous_commit = off; LISTEN ${CHANNEL}`);
    } catch (error) {
      client.removeAllListeners('end');
      client.end().catch(() => undefined);
      throw error;
    }
    if (this.#closed) return void client.end().catch(() => undefined);
    this.#client = client;
    this.#probe = setInterval(() => {
      // A query under way probes the connection just as well.
      if (!this.#busy) this.#query(client, 'SELECT 1', []);
    }, PROBE_MS);
    this.#probe.unref();
    this.#local.ringAll();
    this.#send();
  }

  ring(names: Iterable<string>): void {
    const list = [...names];
    this.#local.ring(list);
    for (const name of list) this.#pending.add(name);
    this.#send();
  }

  onRing(topic: string, callback: OnRing): () => void {
    return this.#local.onRing(topic, callback);
  }

  /** What was rung meanwhile goes out with the next one: the connection takes one query at a time. */
  #send(): void {
    if (this.#busy || !this.#client || this.#pending.size === 0) return;
    this.#busy = true;
    setImmediate(() => {
      const client = this.#client;
      if (!client) {
        this.#busy = false;
        return;
      }
      let payload = this.#instance;
      const sent: string[] = [];
      for (const name of this.#pending) {
        if (payload.length + name.length + 1 > MAX_PAYLOAD) break;
        payload += ` ${name}`;
        sent.push(name);
        this.#pending.delete(name);
      }
      this.#query(client, 'SELECT pg_notify($1, $2)', [CHANNEL, payload], () => {
        // The other instances did not lose anything and would never know: it is sent again on the next connection.
        for (const name of sent) this.#pending.add(name);
      });
    });
  }

  #query(client: pg.Client, text: string, values: string[], failed: () => void = () => undefined): void {
    this.#busy = true;
    client
      .query(text, values)
      .catch((error) => {
        failed();
        this.#lost(client, error);
      })
      .finally(() => {
        this.#busy = false;
        this.#send();
      });
  }

  #lost(client: pg.Client, error: unknown): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    clearInterval(this.#probe);
    this.#logger.warn({ err: error }, 'the doorbell lost its connection to PostgreSQL and connects again');
    client.end().catch(() => undefined);
    this.#reconnect();
  }

  #reconnect(): void {
    this.#retry = setTimeout(() => {
      // Waiters also hear while there is no connection: reading again is the fallback for lost rings.
      this.#local.ringAll();
      this.open().catch(() => {
        if (!this.#closed) this.#reconnect();
      });
    }, RECONNECT_MS);
    this.#retry.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#probe);
    clearTimeout(this.#retry);
    await this.#local.close();
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }
}
