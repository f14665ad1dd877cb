// Sending pictures a few at a time. A request is kept wholly or not at all and may be sent twice, so that a dropped line
// costs one request; what was sent before is not sent again.
import type { Picture } from './upload-finding';

const MOST_FILES = 25;
const MOST_OCTETS = 8 << 20;
const SLOWEST = 30_000;

/** Why sending has ended early. */
export class Ended extends Error {
  constructor(readonly reason: 'out' | 'full' | 'failed') {
    super(reason);
  }
}

/** How it went: pictures the server has now, and those it could not take. */
export interface Sent { kept: number; refused: number }

/** What hears of progress and of the line. */
export interface Listener { sent(count: Sent): void; dropped(): void; again(): void }

/** Send the pictures. Throws `Ended`, and what `signal` was ended with. */
export async function send(pictures: Picture[], token: string, signal: AbortSignal, listener: Listener): Promise<Sent> {
  const count: Sent = { kept: 0, refused: 0 };
  for (const part of parts(pictures)) {
    const { body, broken } = await packed(part);
    count.refused += broken;
    if (body) {
      const answer = await delivered(body, token, signal, listener);
      count.kept += answer.kept;
      count.refused += answer.refused;
    }
    listener.sent(count);
  }
  return count;
}

function* parts(pictures: Picture[]): Generator<Picture[]> {
  let part: Picture[] = [];
  let octets = 0;
  for (const picture of pictures) {
    if (part.length && (part.length >= MOST_FILES || octets + picture.source.size > MOST_OCTETS)) {
      yield part;
      [part, octets] = [[], 0];
    }
    part.push(picture);
    octets += picture.source.size;
  }
  if (part.length) yield part;
}

/** The pictures as one multipart/related body (RFC 2387), and how many of them the disc would not give. */
async function packed(part: Picture[]): Promise<{ body: Blob | undefined; broken: number }> {
  const boundary = `part-${crypto.randomUUID()}`;
  const pieces: BlobPart[] = [];
  let broken = 0;
  for (const picture of part) {
    try {
      const octets = await picture.source.whole();
      await octets.slice(-1).arrayBuffer(); // a scratch at its end shows now, not in the middle of a request
      pieces.push(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, octets, '\r\n');
    } catch {
      broken += 1;
    }
  }
  const type = `multipart/related; type="application/dicom"; boundary=${boundary}`;
  return { body: pieces.length ? new Blob([...pieces, `--${boundary}--`], { type }) : undefined, broken };
}

async function delivered(body: Blob, token: string, signal: AbortSignal, listener: Listener): Promise<Sent> {
  for (let wait = 1000, fell = false; ; wait = Math.min(2 * wait, SLOWEST)) {
    signal.throwIfAborted();
    const answer = await asked(body, token, signal);
    if (answer) {
      if (fell) listener.again();
      return answer;
    }
    fell = true;
    listener.dropped();
    await pause(wait, signal);
  }
}

/** The server's answer; nothing where the line dropped or the server is away for a moment. */
async function asked(body: Blob, token: string, signal: AbortSignal): Promise<Sent | undefined> {
  let answer: Response;
  try {
    answer = await fetch('/upload/pictures', {
      method: 'POST', body, signal, redirect: 'manual', headers: { 'Content-Type': body.type, 'X-CSRF-Token': token },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TypeError) return undefined;
    throw error;
  }
  if (answer.ok) return await answer.json() as Sent;
  if ([429, 502, 503, 504].includes(answer.status)) return undefined;
  if (answer.status === 413) throw new Ended('full');
  throw new Ended(answer.type === 'opaqueredirect' || [401, 403].includes(answer.status) ? 'out' : 'failed');
}

/** A while, or until the line is back. */
const pause = (wait: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const done = (): void => {
    clearTimeout(timer);
    for (const [target, name] of [[window, 'online'], [signal, 'abort']] as const) target.removeEventListener(name, done);
    resolve();
  };
  const timer = setTimeout(done, wait);
  window.addEventListener('online', done);
  signal.addEventListener('abort', done);
});
