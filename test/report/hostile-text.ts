/** Text that a terminal, a browser, a tracker or a spreadsheet would obey, and analyses that hold it wherever packets reach. */
import fc from 'fast-check';
import type { Analysis } from '../../src/analyze.js';
import type { LogRecord } from '../../src/syslog/record.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeLine,
  fakeMessage,
  fakeReply,
  fakeSession,
} from './fake-analysis.js';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export const HOSTILE: readonly string[] = [
  '\x1b[2J\x1b]0;owned\x07',
  '\x9b31m\x85\x7f\0\x01',
  utf8('\u202egnp.exe\u202c \u2066x\u2069 \u200b\u200d\ufeff\u2028'),
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '</details></summary><!-- --> <a href="javascript:alert(1)">x</a>',
  ']]></failure></testcase> <![CDATA[ &lt; &#60; &amp; & "\'',
  '[x](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example> [x]: https://evil.example',
  'https://evil.example/ www.evil.example mailto:a@evil.example ftp://evil.example xmpp:a@evil.example',
  'http://evil.example http:\\\\//evil.example \\[x](https://evil.example) \\\\[x](https://evil.example)',
  '@octocat @org/team #1 owner/repo#1 GH-1 da39a3ee5e6b4b0d3255bfef95601890afd80709 !1 %1 &1 ~bug :tada: $x$',
  '**bold** __bold__ *i* _i_ ~~s~~ `code` ``a`b`` # h > q - l + l 1. l 1) l --- === | a | b |',
  '- item',
  '1. one',
  '# head',
  '> quote',
  '    code',
  '+ plus',
  '===',
  '---',
  '```',
  '~~~',
  '`',
  '``',
  '```text',
  '\\`',
  '\\',
  '|x|y|',
  '\\|',
  '``|`',
  'a`b|c`d',
  '{code}x{code} {html}<b>x</b>{html} {noformat} {NOFORMAT:title=x} {color:red}x{color} {panel}x{panel} {include:x}',
  '[~admin] [~accountid:1] [link|https://evil.example] [^file.txt] !image.png! !https://evil.example/x.png|width=1!',
  'h1. head',
  'bq. quote',
  '* item',
  '|| a || b ||',
  '----',
  '\\\\',
  '\\\\*x*',
  '\\{code}',
  '\\\\{code}',
  '\\\\\\[~admin]',
  'ABC-123 :) :D (/) (y) (!) ??cite?? -x- +x+ ^x^ ~x~ {{x}} %x% a\\',
  "=cmd|'/c calc'!A1",
  '+1+1',
  '-1+1',
  '@SUM(1)',
  '\t=1',
  '\r=1',
  '=HYPERLINK("https://evil.example","x")',
  '  =1+1',
  'a;=1+1',
  'a";=1+1',
  '"=1+1',
  utf8('＝1+1'),
  '"a","b"\r\n"c"',
  '%0A=1',
  '../../etc/passwd',
  'C:\\Windows\\x',
  '\\\\server\\share',
  'file:///etc/passwd',
  '$(reboot) `reboot` ; rm -rf /',
  'a'.repeat(3000),
  '* '.repeat(500),
  '`'.repeat(300),
  '\u0130\u0131',
  '\ud800',
  utf8('日本語 é'),
];

/** One of those, parts of several, or any octets. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.array(fc.constantFrom(...HOSTILE), { minLength: 2, maxLength: 4 }).map((parts) => parts.join(' ')),
  fc
    .array(fc.constantFrom(...HOSTILE, '`', '\\', '|', '{', '@a', '"', "'", ' ', '=', '://x', '\n'), {
      maxLength: 6,
    })
    .map((parts) => parts.join('')),
  fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets).toString('latin1')),
);

/** That text wherever text of packets, of a log, of a file name or of a problem can be. */
export function hostileAnalysis(texts: readonly string[]): Analysis {
  let next = 0;
  const text = (): string => texts[next++ % texts.length]!;
  const [capture] = fakeAnalysis().captures;
  const [proof] = fakeFinding().evidence;
  const record: LogRecord = {
    line: 3,
    id: 108004,
    time: null,
    text: text(),
    from: { address: '192.0.2.10', port: 40000 },
    to: { address: '198.51.100.25', port: 25 },
    action: text(),
    cause: text(),
  };
  const session = fakeSession({
    exchanges: [
      fakeExchange({ kind: 'greeting', verb: '(greeting)', line: null, reply: fakeReply(220, text()) }),
      fakeExchange({ verb: 'EHLO', argument: text(), line: fakeLine(text()), reply: fakeReply(250, text()) }),
      fakeExchange({ verb: text(), argument: text() }),
    ],
    messages: [fakeMessage({ messageId: text(), from: text(), to: [text()] })],
  });
  return fakeAnalysis({
    captures: [
      {
        ...capture!,
        file: text(),
        facts: { ...capture!.facts, problems: [{ code: 'bad', message: text(), packet: 1, offset: 1 }] },
      },
    ],
    sessionList: [session],
    findings: [
      fakeFinding({
        message: text(),
        args: { text: text(), list: [text()] },
        evidence: [{ ...proof!, excerpt: text(), note: text() }],
        remedy: [text()],
        witnesses: [
          { source: 'asa-log', line: 3, text: text(), joinedBy: 'addresses-and-ports', confirms: true },
        ],
      }),
      fakeFinding({
        id: 'f2',
        rule: 'verb-masked',
        confidence: 'possible',
        message: text(),
        remedy: [text()],
      }),
    ],
    notAssessed: [{ session: null, reason: 'gap', detail: text() }],
    firewallLog: {
      file: text(),
      lines: 3,
      ignored: 1,
      records: [record],
      dropped: 0,
      joined: [{ session: 's1', record, joinedBy: 'addresses-and-ports' }],
      notJoined: 0,
    },
  });
}
