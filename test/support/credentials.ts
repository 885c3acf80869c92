/** Dialogues with credentials in them, whatever was done to the AUTH exchange on its way. */

export const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
export const USER = 'Zaphod.Q7';
export const PASSWORD = 'hunTer2-xYzzy';
export const PLAIN = base64(`\0${USER}\0${PASSWORD}`);
export const USER64 = base64(USER);
export const PASSWORD64 = base64(PASSWORD);

export const SECRETS = [
  PLAIN,
  PLAIN.slice(0, 12),
  PLAIN.slice(-12),
  USER64,
  PASSWORD64,
  PASSWORD,
  PASSWORD64.slice(4),
];

export const credentialScripts: Record<string, string> = {
  'initial response': `C: AUTH PLAIN ${PLAIN}\nS: 235 ok`,
  'lower case': `C: auth plain ${PLAIN}\nS: 235 ok`,
  'spaces and tabs': `C:  AUTH\t PLAIN  ${PLAIN} \nS: 235 ok`,
  'two steps': `C: AUTH PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  LOGIN: `C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 535 no`,
  'LOGIN with the name at once': `C: AUTH LOGIN ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 235 ok`,
  'LOGIN in clear text': `C: AUTH LOGIN\nS: 334 x\nC: ${USER}\nS: 334 y\nC: ${PASSWORD}\nS: 235 ok`,
  'unknown mechanism': `C: AUTH ${PLAIN}\nS: 504 no`,
  'unknown mechanism with a response': `C: AUTH X-FOO ${PLAIN}\nS: 504 no`,
  'X-EXPS': `C: X-EXPS GSSAPI ${PLAIN}\nS: 334 ${PASSWORD64}\nC: ${PASSWORD64}\nS: 235 ok`,
  'verb masked': `C: XXXX PLAIN ${PLAIN}\nS: 500 what?`,
  'verb and mechanism masked': `C: XXXX XXXXX ${PLAIN}\nS: 500 what?`,
  'verb turned to NOOP': `C: NOOP PLAIN ${PLAIN}\nS: 250 ok`,
  'verb and mechanism turned to NOOP': `C: NOOP ${PLAIN}\nS: 250 ok`,
  'verb swallowed': `C: PLAIN ${PLAIN}\nS: 500 what?`,
  'verb masked, but it worked': `C: XXXX PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  'AUTH=': `C: AUTH=PLAIN ${PLAIN}\nS: 500 what?`,
  'refused, and the client goes on': `C: AUTH LOGIN\nS: 500 what?\nC: ${USER64}\nS: 500 what?\nC: ${PASSWORD64}\nS: 500 what?`,
  'swallowed, and the client goes on': `C: AUTH LOGIN\nS: OK\nC: ${USER64}\nS: OK\nC: ${PASSWORD64}\nS: OK`,
  'masked, and the client goes on': `C: XXXX XXXXX\nS: 500 what?\nC: ${USER64}\nS: 500 what?\nC: ${PASSWORD64}\nS: 500 what?`,
  'sent without waiting': `C: AUTH LOGIN\nC+ ${USER64}\nC+ ${PASSWORD64}\nC+ MAIL FROM:<a@example.com>\nS: 334 x\nS: 334 y\nS: 235 ok\nS: 250 ok`,
  'sent without waiting, refused': `C: AUTH LOGIN\nC+ ${USER64}\nC+ ${PASSWORD64}\nS: 500 x\nS: 500 y\nS: 500 z`,
  'never answered': `C: AUTH LOGIN\nC: ${USER64}\nC: ${PASSWORD64}\ncut`,
  'never answered, lines unfinished': `C: AUTH LOGIN\nC: ${USER64}\nC~ ${PASSWORD64}\ncut`,
  unfinished: `C~ AUTH PLAIN ${PLAIN}\ncut`,
  echoed: `C: AUTH PLAIN ${PLAIN}\nS: 500 5.5.1 Command unrecognized: "AUTH PLAIN ${PLAIN}"`,
  'echoed in upper case': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN.toUpperCase()}`,
  'echoed in part': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN.slice(0, 16)}...`,
  'echoed from the middle': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: ...${PLAIN.slice(8)}`,
  'echoed behind the verb': `C: AUTH LOGIN\nS: 334 x\nC: ${PASSWORD64}\nS: 500 what is ${PASSWORD64}?`,
  'echoed later': `C: AUTH PLAIN ${PLAIN}\nS: 535 no\nC: NOOP\nS: 250 you said ${PLAIN}`,
  'echoed decoded': `C: AUTH PLAIN ${PLAIN}\nS: 535 password ${PASSWORD} of ${USER} is wrong`,
  'echo of a command that was not seen': `C? AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN}`,
  'cut by a gap': `C~ AUTH PLAIN ${PLAIN.slice(0, 12)}\nC? x\nC: ${PLAIN.slice(12)}\nS: 535 no`,
  'the verb in a gap': `C? AUTH PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  'all but the last line in a gap': `C? AUTH LOGIN\\r\\n${USER64}\nC: ${PASSWORD64}\nS: 235 ok`,
  'the replies in a gap': `C: AUTH LOGIN\nS? 334\nC: ${USER64}\nS? 334\nC: ${PASSWORD64}\nS: 235 ok`,
  'a gap in the middle': `C: AUTH LOGIN\nS: 334 x\nC~ ${USER64.slice(0, 4)}\nC? x\nC: ${PASSWORD64}\nS: 535 no`,
  'one side only': `only C\nC: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 235 ok\nC: QUIT`,
  'one side only, in clear text': `only C\nC: AUTH LOGIN\nC: ${USER}\nC: ${PASSWORD}`,
  'began before the capture': `midstream\nC: ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 235 ok`,
  'a second attempt': `C: AUTH CRAM-MD5\nS: 334 ${base64('<1@x>')}\nC: *\nS: 501 aborted\nC: AUTH PLAIN ${PLAIN}\nS: 235 ok`,
  'FTP by mistake': `C: USER ${USER64}\nS: 500 no\nC: PASS ${PASSWORD}\nS: 500 no ${PASSWORD}`,
  BURL: `C: BURL imap://u@example.com/x;urlauth=submit+u:internal:${PASSWORD64} LAST\nS: 250 ok`,
  'an endless response': `C: AUTH PLAIN ${PLAIN.repeat(200)}\nS: 500 too long ${PLAIN.repeat(3)}`,
  'an HTTP proxy’s': `C: CONNECT mx.example:25 HTTP/1.1\nC: Proxy-Authorization: Basic ${PASSWORD64}\nC:\nS: HTTP/1.1 200 ok`,
};

export const surrounded = (exchange: string): string =>
  `${exchange.startsWith('midstream') || exchange.includes('CONNECT') ? '' : 'S: 220 mx.example ESMTP\nC: EHLO client\nS: 250-mx.example\nS+ 250 AUTH PLAIN LOGIN\n'}${exchange}\nC: QUIT\nS: 221 bye`;
