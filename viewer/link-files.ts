// A health link's payload, its manifest, and its files: compact JWE, dir with A256GCM (SMART Health Links 1.0).

export interface HealthLink {
  url: string;
  key: Uint8Array<ArrayBuffer>;
  flags: string;
  label: string;
}

export interface Resource {
  resourceType: string;
  id?: string;
  [name: string]: unknown;
}

export interface Token {
  access_token: string;
  aud: string;
}

export interface LinkFiles {
  resources: Resource[];
  token?: Token;
}

type Reason = 'ended' | 'wait' | 'number' | 'damaged' | 'offline';

/** The server said no, or what it gave is not what the link opens. `left` are the tries for the number. */
export class Refused extends Error {
  constructor(readonly reason: Reason, readonly left = 0) {
    super(reason);
  }
}

interface Encrypted {
  contentType: string;
  jwe: string;
}

const LONGEST_EMBEDDED = 4_000_000;

function octets(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

const words = (of: BufferSource): string => new TextDecoder('utf-8', { fatal: true }).decode(of);

/** The link behind the #, or nothing where it is not whole. */
export function readLink(hash: string): HealthLink | undefined {
  try {
    const text = decodeURIComponent(hash);
    const payload = JSON.parse(words(octets(text.slice(text.indexOf('shlink:/') + 'shlink:/'.length))));
    const key = octets(payload.key);
    new URL(payload.url);
    if (key.length !== 32 || (payload.v ?? 1) !== 1) return undefined;
    return { url: payload.url, key, flags: String(payload.flag ?? ''), label: String(payload.label ?? '') };
  } catch {
    return undefined;
  }
}

async function asked(address: string, how: RequestInit): Promise<Response> {
  const answer = await fetch(address, { ...how, credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' });
  if (answer.status === 401) throw new Refused('number', (await answer.json()).remainingAttempts);
  if (answer.status === 404) throw new Refused('ended');
  if (answer.status === 429 || answer.status === 503) throw new Refused('wait');
  if (!answer.ok) throw new Refused('offline');
  return answer;
}

/** The files as they come, for a reader of this name. */
export async function fetched(link: HealthLink, recipient: string, passcode: string): Promise<Encrypted[]> {
  if (link.flags.includes('U')) {
    const answer = await asked(`${link.url}?${new URLSearchParams({ recipient })}`, { method: 'GET' });
    return [{ contentType: 'application/fhir+json', jwe: await answer.text() }];
  }
  const answer = await asked(link.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ recipient, embeddedLengthMax: LONGEST_EMBEDDED, ...(passcode ? { passcode } : {}) }),
  });
  const { files } = await answer.json();
  return Promise.all(files.map(async (one: { contentType: string; embedded?: string; location?: string }) => ({
    contentType: one.contentType,
    jwe: one.embedded ?? await (await asked(one.location!, { method: 'GET' })).text(),
  })));
}

/** What is inside, for whoever has the link's key. */
export async function decrypted(link: HealthLink, files: Encrypted[]): Promise<LinkFiles> {
  const found: LinkFiles = { resources: [] };
  const key = await crypto.subtle.importKey('raw', link.key, 'AES-GCM', false, ['decrypt']);
  for (const file of files) {
    const inside = JSON.parse(await opened(file, key));
    if (file.contentType === 'application/smart-api-access') found.token = inside;
    else if (inside.resourceType === 'Bundle') found.resources.push(...(inside.entry ?? []).map((one: { resource: Resource }) => one.resource));
  }
  return found;
}

async function opened(file: Encrypted, key: CryptoKey): Promise<string> {
  try {
    const [head, none, iv, text, tag, ...more] = file.jwe.split('.') as [string, string, string, string, string];
    const header = JSON.parse(words(octets(head)));
    if (none || more.length || header.alg !== 'dir' || header.enc !== 'A256GCM' || header.cty !== file.contentType) throw new Refused('damaged');
    const [body, end] = [octets(text), octets(tag)];
    const sealed = new Uint8Array(body.length + end.length);
    sealed.set(body);
    sealed.set(end, body.length);
    const how = { name: 'AES-GCM', iv: octets(iv), additionalData: new TextEncoder().encode(head), tagLength: 128 };
    return words(await crypto.subtle.decrypt(how, key, sealed));
  } catch {
    throw new Refused('damaged');
  }
}
