// The lock of a device (a passkey) in place of a password: W3C Web Authentication level 3, with its PRF extension.
//
// The page's form is shown where the browser knows passkeys. What the device answers goes into the form's boxes and the
// form is sent like any other. The key that the PRF extension gives has a box of its own: it never lies in the answer.

/** What the key is made from, the same for every passkey (docs/format.md 3). */
const PURPOSE = 'phr/v1/vault-unlock';

type Question = {
  challenge: string;
  user?: { id: string };
  excludeCredentials?: { id: string }[];
  allowCredentials?: { id: string }[];
};

const fromText = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));

const toText = (octets: ArrayBuffer | null | undefined): string | undefined =>
  octets ? btoa(String.fromCharCode(...new Uint8Array(octets))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') : undefined;

const extensions = { prf: { eval: { first: new TextEncoder().encode(PURPOSE) } } };

/** What the extension gave, or nothing where the device has none. */
const keyOf = (passkey: PublicKeyCredential): ArrayBuffer | undefined =>
  passkey.getClientExtensionResults().prf?.results?.first as ArrayBuffer | undefined;

/** The server's question, with its texts turned into octets. */
function asked(question: Question): object {
  const named = (list?: { id: string }[]) => list?.map((one) => ({ ...one, id: fromText(one.id) }));
  return {
    ...question,
    challenge: fromText(question.challenge),
    ...(question.user && { user: { ...question.user, id: fromText(question.user.id) } }),
    excludeCredentials: named(question.excludeCredentials),
    allowCredentials: named(question.allowCredentials),
    extensions,
  };
}

/** What the device said, without what its extensions gave. */
function told(passkey: PublicKeyCredential): string {
  const { response } = passkey;
  const said: Record<string, unknown> = { clientDataJSON: toText(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    said.attestationObject = toText(response.attestationObject);
    said.transports = response.getTransports();
  } else if (response instanceof AuthenticatorAssertionResponse) {
    said.authenticatorData = toText(response.authenticatorData);
    said.signature = toText(response.signature);
    said.userHandle = toText(response.userHandle);
  }
  return JSON.stringify({ id: passkey.id, rawId: toText(passkey.rawId), type: passkey.type, response: said });
}

/** A device may give the key only when its passkey is used, not when it is made: then it is used once at once. */
async function keyOfNew(passkey: PublicKeyCredential, rpId: string | undefined): Promise<ArrayBuffer | undefined> {
  const key = keyOf(passkey);
  if (key || !passkey.getClientExtensionResults().prf?.enabled) return key;
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    allowCredentials: [{ type: 'public-key', id: passkey.rawId }],
    userVerification: 'required',
    extensions,
    ...(rpId && { rpId }),
  };
  return keyOf((await navigator.credentials.get({ publicKey })) as PublicKeyCredential);
}

async function answer(form: HTMLFormElement): Promise<void> {
  const csrf = form.querySelector<HTMLInputElement>('[name=csrf_token]')!.value;
  const reply = await fetch(form.dataset.ask!, { method: 'POST', body: new URLSearchParams({ csrf_token: csrf }) });
  // A page that lay open for too long: sent as it is, the server says what to do.
  if (!reply.ok || reply.redirected) return form.submit();
  const question = asked((await reply.json()) as Question);
  const making = form.dataset.deviceLock === 'make';
  const publicKey = question as PublicKeyCredentialCreationOptions & PublicKeyCredentialRequestOptions;
  const passkey = (await (making
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey }))) as PublicKeyCredential;
  const key = making ? await keyOfNew(passkey, publicKey.rp.id) : keyOf(passkey);
  form.querySelector<HTMLInputElement>('[name=answer]')!.value = told(passkey);
  form.querySelector<HTMLInputElement>('[name=key]')!.value = toText(key) ?? '';
  form.submit();
}

function offer(form: HTMLFormElement): void {
  const button = form.querySelector('button')!;
  const words = form.querySelector<HTMLElement>('[data-device-lock-told]')!;
  form.hidden = false;
  form.closest<HTMLElement>('[data-needs-device-lock]')?.removeAttribute('hidden');
  window.addEventListener('pageshow', () => { button.disabled = false; });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    words.textContent = '';
    answer(form).catch((problem: unknown) => {
      const known = problem instanceof DOMException && problem.name === 'InvalidStateError';
      words.textContent = (known ? form.dataset.known : form.dataset.cancelled) ?? '';
      button.disabled = false;
      button.focus();
    });
  });
}

if ('PublicKeyCredential' in window) {
  document.querySelectorAll<HTMLElement>('[data-no-device-lock]').forEach((note) => { note.hidden = true; });
  document.querySelectorAll<HTMLFormElement>('form[data-device-lock]').forEach(offer);
}
