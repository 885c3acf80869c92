/**
 * A defect in a line: what kind of error and where it was thrown. Its message is left out: it may quote a packet.
 *
 * What the system says of files and memory has no packet in it, and is told.
 */
export function internalError(error: unknown): string {
  if (!(error instanceof Error)) return 'mailwitness: internal error.';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && 'syscall' in error)
    return `mailwitness: internal error: ${code} (${String(error.syscall)}).`;
  const place = placeOf(error);
  return `mailwitness: internal error: ${error.constructor.name}${place === null ? '' : ` at ${place}`}.`;
}

function placeOf({ stack = '', message }: Error): string | null {
  const calls = stack.slice(stack.indexOf(message) + message.length);
  return /\n\s+at .*[/\\]([\w.-]+:\d+:\d+)\)?(?=\n|$)/.exec(calls)?.[1] ?? null;
}
