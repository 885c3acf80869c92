import type { DigestKind } from '../mail/digest.js';
import { catalog } from '../rules/catalog.js';
import type { Rule } from '../rules/rule.js';
import { kindOf } from './input.js';

/** What every way of looking at captures can be told. */
export interface CommonOptions {
  /** TCP ports on which servers speak SMTP, 1 to 65535. Default 25, 587, 2525. */
  readonly ports?: readonly number[];
  /** The rules that are asked. Default: `catalog`, all of them. */
  readonly rules?: readonly Rule[];
  /** Digest of messages: `xxh64` (the default) tells copies apart, `sha256` also withstands an adversary. */
  readonly digest?: DigestKind;
  /** Ends the reading: what was read until then is judged and returned. */
  readonly signal?: AbortSignal;
}

const COMMON = ['ports', 'rules', 'digest', 'signal'] as const;

/**
 * Checks what JavaScript lets through.
 *
 * @param own  the names of the options that there are beside the common ones
 * @throws TypeError with a sentence that names the option
 */
export function checkedOptions<O extends CommonOptions>(
  call: string,
  options: O | undefined,
  own: readonly string[],
): O & { readonly rules: readonly Rule[] } {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new TypeError(`The options of ${call} are an object, not ${kindOf(options)}.`);
  }
  const given = options ?? ({} as O);
  knownOnly(call, given, [...COMMON, ...own]);
  const { ports, rules = catalog, digest, signal } = given;
  if (ports !== undefined && !(Array.isArray(ports) && ports.length > 0 && ports.every(isPort))) {
    throw new TypeError('The option ports is a list of whole numbers from 1 to 65535, such as [25, 587].');
  }
  if (!Array.isArray(rules) || !rules.every(isRule)) {
    throw new TypeError('The option rules is a list of rules, such as catalog or a part of it.');
  }
  if (digest !== undefined && digest !== 'xxh64' && digest !== 'sha256') {
    throw new TypeError("The option digest is 'xxh64' or 'sha256'.");
  }
  if (
    signal !== undefined &&
    typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== 'function'
  ) {
    throw new TypeError('The option signal is an AbortSignal.');
  }
  return { ...given, rules };
}

/** @throws TypeError for an option that there is not: a misspelt one would be ignored */
export function knownOnly(call: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${call} has no option '${unknown}': there are ${known.join(', ')}.`);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}

function isRule(value: unknown): boolean {
  const { meta, create } = (value ?? {}) as Partial<Rule>;
  return typeof meta?.id === 'string' && typeof create === 'function';
}
