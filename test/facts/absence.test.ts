import { expect, it } from 'vitest';
import { absenceDoubt, ENCRYPTED, knownSilence, MIDSTREAM, UNARRIVED } from '../../src/facts/absence.js';
import type { NoReply, SmtpSession } from '../../src/smtp/session.js';
import type { Gap } from '../../src/stream/event.js';
import { fakeExchange, fakeSession } from '../report/fake-analysis.js';

const gap = (more: Partial<Gap>): Partial<SmtpSession> => ({
  gapCount: 1,
  gaps: [{ direction: 'client', offset: 10, octets: 5, cause: 'unfilled', ...more } as Gap],
});

it.each<[string, Partial<SmtpSession>, string | null]>([
  ['nothing is missing', {}, null],
  ['octets of the client are missing', gap({}), 'gap'],
  ['octets of the server never arrived', gap({ direction: 'server' }), null],
  [
    'octets of the server were not captured',
    gap({ direction: 'server', cause: 'capture' as Gap['cause'] }),
    'gap',
  ],
  ['there were more gaps than are kept', { gapCount: 1 }, 'gap'],
  ['one direction was captured', { oneSided: 'client' }, 'one-sided'],
  ['more was said than is kept', { truncated: true }, 'limit'],
  ['the beginning was not captured', { midstream: true }, null],
  ['it goes on encrypted', { encryptedFrom: 9 }, null],
])('%s', (_, more, doubt) => {
  expect(absenceDoubt(fakeSession(more))).toBe(doubt);
});

it('a rule asks for what would leave it in doubt as well', () => {
  expect(absenceDoubt(fakeSession({ midstream: true }), MIDSTREAM)).toBe('midstream');
  expect(absenceDoubt(fakeSession({ encryptedFrom: 9 }), ENCRYPTED)).toBe('encrypted');
  expect(absenceDoubt(fakeSession(gap({ direction: 'server' })), UNARRIVED)).toBe('gap');
  expect(absenceDoubt(fakeSession({ encryptedFrom: 9 }), MIDSTREAM | UNARRIVED)).toBeNull();
  expect(absenceDoubt(fakeSession({ midstream: true, oneSided: 'server' }), MIDSTREAM)).toBe('one-sided');
});

it('a missing reply is known where it could not have been missed', () => {
  const causes: readonly (NoReply | null)[] = [
    'closed',
    'silent',
    'next',
    'end-of-capture',
    'gap',
    'one-sided',
    'encrypted',
    'limit',
    null,
  ];
  const known = causes.map((noReply) => knownSilence(fakeExchange({ noReply })));
  expect(known.filter((silence) => silence !== null)).toEqual(['closed', 'silent', 'next']);
});
