// How the Node halves hear what to do (JSON on standard input) and say what they saw (JSON on standard output).

export async function given() {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  return JSON.parse(text);
}

export function answer(told) {
  process.stdout.write(JSON.stringify(told));
}
