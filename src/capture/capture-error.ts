import { IS_TERMINAL } from '../platform/platform.js';

/** Why an input could not be opened. Stable words: they become the `code` of a problem in the report. */
export type CaptureOpenCode = 'not-found' | 'is-directory' | 'is-terminal' | 'not-readable';

/**
 * An input that cannot be opened at all. What goes wrong later is a `Problem` of the capture.
 *
 * The message is one sentence that ends with what to do. It does not name the file: its name is hostile
 * text, and who prints it beside the message makes it safe.
 */
export class CaptureOpenError extends Error {
  override readonly name = 'CaptureOpenError';

  constructor(
    readonly code: CaptureOpenCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Translates what `openInput` threw. */
  static from(error: unknown): CaptureOpenError {
    const code = (error as { code?: string } | null)?.code ?? 'unknown error';
    const options = { cause: error };
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
      case 'ENAMETOOLONG':
      case 'ERR_INVALID_ARG_VALUE': // a NUL in the path: no file can have that name
        return new CaptureOpenError('not-found', 'There is no such file: check its name.', options);
      case 'EISDIR':
        return CaptureOpenError.directory();
      case IS_TERMINAL:
        return CaptureOpenError.terminal();
      case 'EACCES':
      case 'EPERM':
        return new CaptureOpenError(
          'not-readable',
          'The file may not be read: ask for permission to read it, or copy it with the rights of its owner.',
          options,
        );
      default:
        return new CaptureOpenError(
          'not-readable',
          `The file cannot be opened (${code}): check that it is a readable capture file.`,
          options,
        );
    }
  }

  static directory(): CaptureOpenError {
    return new CaptureOpenError('is-directory', 'This is a directory: name the capture files inside it.');
  }

  static terminal(): CaptureOpenError {
    return new CaptureOpenError(
      'is-terminal',
      'Standard input is a terminal: name a capture file, or pipe a capture into standard input.',
    );
  }
}
