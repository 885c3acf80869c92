import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { Rewriter } from '../../src/anonymize/analysis.js';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.js';
import { extensionsIn, keywordsIn } from '../../src/facts/listed.js';
import { lostVerbs } from '../../src/facts/lost-verbs.js';
import { sessionMask } from '../../src/facts/mask.js';
import { serverKeyOf } from '../../src/facts/server-key.js';
import { factsOf } from '../../src/facts/session-facts.js';
import { sessionKeywords } from '../../src/facts/templates.js';
import { whoAnswered } from '../../src/facts/who-answered.js';
import { catalog } from '../../src/rules/catalog.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { fakeExchange, fakeLine, fakeReply, fakeSession } from '../report/fake-analysis.js';

const MASKED = join(dirname(fileURLToPath(import.meta.url)), '../../captures/asa-esmtp-outside.pcap');

function masked(): SmtpSession {
  const reply = fakeReply(220, '220 ************2**0');
  return fakeSession({
    exchanges: [fakeExchange({ kind: 'greeting', verb: '(greeting)', line: null, reply })],
  });
}

describe('the facts of a session', () => {
  it('are computed once', () => {
    const session = masked();
    expect(sessionMask(session)).not.toBeNull();
    expect(sessionMask(session)).toBe(sessionMask(session));
    expect(lostVerbs(session)).toBe(lostVerbs(session));
    expect(whoAnswered(session)).toBe(whoAnswered(session));
    expect(sessionKeywords(session)).toBe(sessionKeywords(session));
    expect(factsOf(session)).toBe(factsOf(session));
  });

  it('are those of each session, asked in turns', () => {
    const [one, other] = [masked(), fakeSession({ server: { address: '198.51.100.99', port: 587 } })];
    for (let turn = 0; turn < 2; turn++) {
      expect(sessionMask(one)?.stars).toBe(14);
      expect(sessionMask(other)).toBeNull();
      expect(serverKeyOf(one)).toBe('198.51.100.25 25');
      expect(serverKeyOf(other)).toBe('198.51.100.99 587');
    }
  });

  it('stay behind when a session is copied to say something else', async () => {
    const analysis = await analyze([MASKED], { rules: catalog });
    const session = [...analysis.sessions()].find((one) => sessionMask(one) !== null)!;
    const copy = { ...session, exchanges: [] };
    expect(sessionMask(session)).not.toBeNull();
    expect(sessionMask(copy)).toBeNull();
    const fake = masked();
    sessionMask(fake);
    expect(new Rewriter(new Pseudonyms(Buffer.alloc(16, 7))).session(fake).facts).toBeNull();
  });
});

describe('what an EHLO reply lists', () => {
  const first = fakeReply(250, '250-mail.example', '250-XXXXXXXA', '250 XXXB');
  const last = fakeReply(250, '250-mail.example', '250 DSN');
  const hello = (reply: typeof first) => fakeExchange({ verb: 'EHLO', line: fakeLine('EHLO client'), reply });
  const session = fakeSession({
    exchanges: [hello(first), hello(last)],
    extensions: [{ text: 'DSN', keyword: 'DSN', line: last.lines[1]! }],
  });

  it('is the session’s own for the last reply', () => {
    expect(extensionsIn(session, last)).toBe(session.extensions);
    expect(keywordsIn(session, last)).toEqual([]);
  });

  it('is read once for a reply before it', () => {
    expect(extensionsIn(session, first).map(({ text }) => text)).toEqual(['XXXXXXXA', 'XXXB']);
    expect(keywordsIn(session, first).map(({ octets }) => octets)).toEqual([8, 4]);
    expect(keywordsIn(session, first)).toBe(keywordsIn(session, first));
  });
});
