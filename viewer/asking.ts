/** Asking the server, and telling apart the ways it can say no. */

/** What went wrong with one request, sorted by what we do about it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** A word of the server's for what happened, where it has one (docs/dicomweb.md). */
    private readonly reason = '',
  ) {
    super(`the server answered ${status}`);
  }

  /** What is kept is not what was sent: nobody shall take it for the picture. */
  get altered(): boolean {
    return this.reason === 'not-as-sent';
  }

  /** The line is down or the server is not there: worth another try later. */
  get offline(): boolean {
    return this.status === 0;
  }

  /** The access has ended; nothing more will come. */
  get ended(): boolean {
    return isEnd(this.status);
  }

  /** The server cannot show this kind (PS3.18 8.7.4: no acceptable representation). */
  get unshowable(): boolean {
    return this.status === 406 || this.status === 415 || this.status === 422 || this.status === 501;
  }

  /** The server is in trouble or tells us to slow down: worth another try. */
  get passing(): boolean {
    return this.status === 429 || this.status >= 502;
  }
}

export function isEnd(status: number): boolean {
  return status === 401 || status === 403 || status === 410;
}

/** The answer, if it is a good one; `Refused` with status 0 when no answer came. */
export async function ask(address: string, accept: string, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(address, { headers: { Accept: accept }, redirect: 'manual', signal: signal ?? null }).catch((reason: unknown) => {
    if (signal?.aborted) throw reason;
    throw new Refused(0);
  });
  // A redirect leads to the sign-in page: for a picture that means the access is gone.
  if (answer.type === 'opaqueredirect') throw new Refused(401);
  if (!answer.ok) throw new Refused(answer.status, await reasonOf(answer));
  return answer;
}

/** The server says why in a short JSON text (RFC 9457). */
async function reasonOf(answer: Response): Promise<string> {
  if (answer.headers.get('Content-Type') !== 'application/problem+json') return '';
  const told = (await answer.json().catch(() => ({}))) as { reason?: string };
  return told.reason ?? '';
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
