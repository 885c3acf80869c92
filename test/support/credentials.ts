/** Dialogues with credentials in them, whatever was done to the AUTH exchange on its way. */

export const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
/** UTF-16, as NTLM has it. */
const wide = (text: string): string => [...text].map((letter) => `${letter}\0`).join('');
const xtext = (text: string): string =>
  text.replace(/[-.]/g, (sign) => `+${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** A message of NTLM: its type, the fields' places, the fields. MS-NLMP §2.2.1 */
function ntlm(type: 1 | 2 | 3, fields: readonly string[]): string {
  const head = type === 1 ? 32 : type === 2 ? 48 : 64;
  const places = type === 1 ? [16, 24] : type === 2 ? [12, 40] : [28, 36, 44];
  const message = Buffer.alloc(head + fields.join('').length);
  message.write('NTLMSSP\0', 'latin1');
  message.writeUInt32LE(type, 8);
  let at = head;
  for (const [index, field] of fields.entries()) {
    message.writeUInt16LE(field.length, places[index]!);
    message.writeUInt32LE(at, places[index]! + 4);
    at += message.write(field, at, 'latin1');
  }
  return message.toString('base64');
}

/** What a type 2 message says of the server: NetBIOS name of domain and of computer. */
const targetInfo = (domain: string, computer: string): string => {
  const pair = (id: string, value: string): string => `${id}\0${String.fromCharCode(value.length)}\0${value}`;
  return `${pair('\x02', wide(domain))}${pair('\x01', wide(computer))}${pair('\0', '')}`;
};

export const USER = 'Zaphod.Q7';
export const PASSWORD = 'hunTer2-xYzzy';
export const PLAIN = base64(`\0${USER}\0${PASSWORD}`);
export const USER64 = base64(USER);
export const PASSWORD64 = base64(PASSWORD);

/** Who logs in, and what must not be found of it. */
export interface Account {
  readonly user: string;
  readonly password: string;
}

/**
 * Whatever of an account may not be found, lower case: every six octets of the password, of its base64 wherever in a response
 * it stands, of the name's, and of the password in hexadecimal.
 */
export function partsOf({ user, password }: Account): string[] {
  const encoded = [0, 1, 2].map((before) =>
    base64('\0'.repeat(before) + password).slice(before === 0 ? 0 : 4),
  );
  const hex = Buffer.from(password).toString('hex');
  const forms = [password, ...encoded, base64(user), base64(`\0${user}\0${password}`)];
  const spaced = hex.replace(/..(?!$)/g, '$& ');
  return [
    ...forms.flatMap((form) => cutAt(form.replace(/=+$/, ''), 6, 1)),
    ...cutAt(hex, 12, 2),
    ...cutAt(spaced, 17, 3),
  ].map((part) => part.toLowerCase());
}

function cutAt(text: string, length: number, step: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at + length <= text.length; at += step) parts.push(text.slice(at, at + length));
  return parts;
}

export const PARTS = partsOf({ user: USER, password: PASSWORD });

/** Dialogues in which an account's credentials are, by what was done to them. */
export function scriptsWith({ user: USER, password: PASSWORD }: Account): Record<string, string> {
  const PLAIN = base64(`\0${USER}\0${PASSWORD}`);
  const USER64 = base64(USER);
  const PASSWORD64 = base64(PASSWORD);
  const hex = Buffer.from(PASSWORD).toString('hex');
  return {
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
    XOAUTH2: `C: AUTH XOAUTH2 ${base64(`user=${USER}\x01auth=Bearer ${PASSWORD}\x01\x01`)}\nS: 334 ${base64('{"status":"401"}')}\nC:\nS: 535 5.7.8 no ${PASSWORD}`,
    'XOAUTH2, without waiting': `C: AUTH XOAUTH2\nC+ ${base64(`user=${USER}\x01auth=Bearer ${PASSWORD}\x01\x01`)}\nS: 334\nS: 535 5.7.8 no ${PASSWORD}`,
    'CRAM-MD5': `C: AUTH CRAM-MD5\nS: 334 ${base64('<1896.697170952@mx.example>')}\nC: ${base64(`${USER} ${PASSWORD}`)}\nS: 535 5.7.8 ${PASSWORD} is wrong`,
    'CRAM-MD5, refused and sent all the same': `C: AUTH CRAM-MD5\nS: 500 what?\nC: ${base64(`${USER} ${PASSWORD}`)}\nS: 500 what?`,
    'echoed decoded, in upper case': `C: AUTH PLAIN ${PLAIN}\nS: 535 5.7.8 bad password ${PASSWORD.toUpperCase()}`,
    'echoed decoded, in quotes': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 535-5.7.8 bad password\nS+ 535 5.7.8 "${PASSWORD}"`,
    'echoed decoded, to a later command': `C: AUTH PLAIN ${PLAIN}\nS: 235 ok\nC: NOOP\nS: 250 ${PASSWORD}\nC: MAIL FROM:<a@example.com>\nS: 550 5.7.1 password ${PASSWORD} has expired`,
    'echoed encoded anew': `C: AUTH PLAIN ${PLAIN}\nS: 535 5.7.8 bad password ${PASSWORD64}`,
    'echoed encoded anew, at other places': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 535 not ${base64(`a${PASSWORD}`)} nor ${base64(`ab${PASSWORD}`)}`,
    'echoed over two lines': `C: AUTH PLAIN ${PLAIN}\nS: 500-unrecognized: AUTH PLAIN ${PLAIN.slice(0, -7)}\nS+ 500 ${PLAIN.slice(-7)}`,
    'echoed with white space in it': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN.replace(/.{7}/g, '$& ')}`,
    'echoed behind other words, quoted': `C: AUTH PLAIN ${PLAIN}\nS: 501 5.5.4 <${PLAIN}>: cannot decode "${PLAIN}"`,
    'echoed without an end': `C: AUTH PLAIN ${PLAIN}\nS~ 535 5.7.8 bad password ${PASSWORD}\ncut`,
    'echoed at the end of a long line': `C: AUTH PLAIN ${PLAIN}\nS: 535 ${'x '.repeat(1010)}${PASSWORD} ${PLAIN}`,
    'echoed by a reply without a code': `C: AUTH PLAIN ${PLAIN}\nS: bad password ${PASSWORD}, ${PLAIN}`,
    'echoed in the goodbye': `C: AUTH PLAIN ${PLAIN}\nS: 421 4.7.0 too many: ${PASSWORD}\nS+ 421 ${PLAIN}`,
    'echoed where the command was not seen': `midstream\nS: 535 5.7.8 bad password ${PASSWORD}`,
    'echoed where the response was not seen': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC? ${PASSWORD64}\nS: 535 5.7.8 bad password ${PASSWORD} of ${USER}`,
    'began inside a response': `midstream\nC~ ${PLAIN.slice(9)}\nC~ \\r\\n\nS: 535 5.7.8 bad password ${PASSWORD}`,
    'began inside a response, refused and echoed': `midstream\nC: ${PASSWORD64}\nS: 500 5.5.1 unrecognized: ${PASSWORD64}`,
    'began in front of a response in clear text': `midstream\nC: ${PASSWORD}\nS: 500 5.5.1 unrecognized: ${PASSWORD}`,
    'the command cut by the beginning': `midstream\nC: LAIN ${PLAIN}\nS: 535 5.7.8 bad password ${PASSWORD}`,
    'all in one segment': `C: AUTH PLAIN ${PLAIN}\nC+ MAIL FROM:<a@example.com>\nC+ RCPT TO:<b@example.net>\nC+ DATA\nS: 535 5.7.8 ${PASSWORD}\nS+ 530 5.7.0 ${PASSWORD}\nS+ 530 5.7.0 first\nS+ 503 no`,
    'in front of the greeting': `C: AUTH PLAIN ${PLAIN}\nC: AUTH LOGIN ${USER64}\nC: ${PASSWORD64}\nS: 554 early: ${PASSWORD64}`,
    cancelled: `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: *\nS: 501 cancelled ${USER64}\nC: ${PASSWORD64}\nS: 500 what is ${PASSWORD64}`,
    'cancelled late': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 334 z\nC: *\nS: 501 cancelled`,
    'two attempts at once': `C: AUTH PLAIN ${PLAIN}\nC+ AUTH LOGIN ${USER64}\nC+ ${PASSWORD64}\nS: 535 no\nS: 334 x\nS: 535 no ${PASSWORD}`,
    'in clear text after a refusal': `C: AUTH LOGIN\nS: 502 5.5.1 not implemented\nC: ${USER}\nS: 500 5.5.1 unrecognized: ${USER}\nC: ${PASSWORD}\nS: 500 5.5.1 unrecognized: ${PASSWORD}`,
    'in clear text and in words after a refusal': `C: AUTH LOGIN\nS: 502 5.5.1 not implemented\nC: ${USER} the\\tGreat\nS: 500 what?\nC: ${PASSWORD} ${PASSWORD}\nS: 500 5.5.1 unrecognized: ${PASSWORD}`,
    'in clear text behind AUTH': `C: AUTH LOGIN ${USER} ${PASSWORD}\nS: 501 5.5.4 cannot decode ${PASSWORD}`,
    'in clear text behind a mask': `C: XXXX LOGIN ${USER} ${PASSWORD}\nS: 500 5.5.1 unrecognized: XXXX LOGIN ${USER} ${PASSWORD}`,
    'masked in part': `C: XXXX XXXXX ${PLAIN}\nS: 500 5.5.1 unrecognized: "XXXX XXXXX ${PLAIN}"`,
    'masked in lower case': `C: xxxx plain ${PLAIN}\nS: 500 what?\nC: xxxx xxxxx ${PLAIN}\nS: 500 what?`,
    'masked, with a tab': `C: XXXX\tPLAIN\t${PLAIN}\nS: 500 what?\nC: XXXXXXX\t${PLAIN}\nS: 500 what?`,
    'masked, one word': `C: XXXXXXXXXX${PLAIN}\nS: 500 what?`,
    'masked, the response in pieces': `C: XXXX XXXXX\nS: 500 what?\nC: ${PLAIN.slice(0, 18)}\nS: 500 what?\nC: ${PLAIN.slice(18)}\nS: 500 what?`,
    'behind a mistyped verb': `C: AUTHH PLAIN ${PLAIN}\nS: 500 what?\nC: AUT PLAIN ${PLAIN}\nS: 500 ${PLAIN}?\nC: AUTHPLAIN ${PLAIN}\nS: 500 no\nC: AUTHPLAIN${PLAIN}\nS: 500 no`,
    'behind a colon': `C: AUTH:PLAIN ${PLAIN}\nS: 500 what?\nC: AUTH PLAIN:${PLAIN}\nS: 501 no\nC: AUTH PLAIN=${PLAIN}\nS: 501 no\nC: PLAIN=${PLAIN}\nS: 500 no`,
    'behind HELP and VRFY': `C: HELP AUTH PLAIN ${PLAIN}\nS: 214 ${PLAIN}\nC: VRFY ${PLAIN}\nS: 252 ${PLAIN}`,
    'behind NOOP in clear text after a refusal': `C: AUTH PLAIN\nS: 502 no\nC: NOOP ${PASSWORD}\nS: 250 ok ${PASSWORD}`,
    'after STARTTLS, without TLS': `C: STARTTLS\nS: 220 go ahead\nC: AUTH PLAIN ${PLAIN}\nS: 535 ${PASSWORD}`,
    'after STARTTLS, a response first': `C: STARTTLS\nS: 220 go ahead\nC: ${PASSWORD64}\nS: 500 ${PASSWORD64}`,
    'in front of TLS': `C: AUTH PLAIN ${PLAIN}\nC+ STARTTLS\nS: 538 5.7.11 encryption first, ${PASSWORD}\nS: 220 go ahead\nC~ \\x16\\x03\\x01\\x00\\x20${PASSWORD}`,
    'instead of mail data': `C: MAIL FROM:<a@example.com>\nS: 250 ok\nC: RCPT TO:<b@example.net>\nS: 250 ok\nC: DATA\nS: 354 go on\nC: AUTH PLAIN ${PLAIN}\nC+ Message-ID: <1@example.com>\nC+ X-Secret: ${PASSWORD}\nC+\nC+ ${PASSWORD64}\nC+ .\nS: 250 ok`,
    'where mail data was refused': `C: DATA\nC+ AUTH PLAIN ${PLAIN}\nC+ ${PASSWORD64}\nC+ .\nS: 503 no\nS: 535 no\nS: 500 no`,
    'behind a chunk that is too short': `C: BDAT 4\nC+ AUTH PLAIN ${PLAIN}\nS: 250 ok\nS: 500 what is ${PLAIN}?`,
    'a chunk that ends in it': `C: BDAT 20\nC+ AUTH PLAIN ${PLAIN}\nS: 250 ok\nS: 500 what?`,
    'after too many attempts': `${`C: AUTH PLAIN ${base64('\0somebody\0else')}\nS: 535 no\n`.repeat(3)}${Array.from({ length: 30 }, (_, n) => `C: AUTH PLAIN ${base64(`\0other-${n}\0wrong-${n}`)}\nS: 535 no\n`).join('')}C: AUTH PLAIN ${PLAIN}\nS: 535 ${PASSWORD}\n${Array.from({ length: 30 }, (_, n) => `C: AUTH PLAIN ${base64(`\0later-${n}\0worse-${n}`)}\nS: 535 no\n`).join('')}C: NOOP\nS: 250 ${PASSWORD64} ${PLAIN} ${PASSWORD}`,
    'a long one': `C: AUTH XOAUTH2 ${base64(`user=${USER}\x01auth=Bearer ${'long.'.repeat(300)}${PASSWORD}\x01\x01`)}\nS: 535 5.7.8 no ${PASSWORD}`,
    'behind a long line': `C: NOOP ${'x'.repeat(2000)} ${PLAIN}\nS: 500 too long: ${'x'.repeat(2000)} ${PLAIN}`,
    'with octets beyond ASCII': `C: AUTH LOGIN\nS: 502 no\nC: ${PASSWORD}\\xe4${PASSWORD}\nS: 500 ${PASSWORD}\\xe4?`,
    'sent by another protocol': `C: a1 LOGIN ${USER} ${PASSWORD}\nS: 500 what?\nC: a2 AUTHENTICATE PLAIN ${PLAIN}\nS: 500 ${PLAIN}\nC: PASS ${PASSWORD} ${PASSWORD}\nS: 500 no\nC: APOP ${USER} ${PASSWORD}\nS: 500 no`,
    'sent by POP': `C: user ${USER}\nS: 500 what?\nC: pass ${PASSWORD}\nS: 500 what is "pass ${PASSWORD}"?`,
    'sent by HTTP': `C: GET http://${USER}:${PASSWORD}@example.com/ HTTP/1.1\nC+ Authorization: Basic ${base64(`${USER}:${PASSWORD}`)}\nS: 500 what is http://${USER}:${PASSWORD}@example.com/?`,
    'in clear text, the command in a gap': `C? AUTH LOGIN\nS: 502 no\nC: ${USER}\nS: 500 what?\nC: ${PASSWORD} ${PASSWORD}\nS: 500 what?`,
    'echoed decoded, the command in a gap': `C? AUTH XOAUTH2 ${PLAIN}\nS: 334 x\nC: \nS: 535 5.7.8 no ${PASSWORD}`,
    'echoed by a success, the command in a gap': `C? NOOP ${PLAIN}\nS: 250 you said ${PLAIN}`,
    'echoed, the command and the reply in front of it in gaps': `C: NOOP\nS: 250 ok\nC: EHLO again\nS? 250 mx\nC? AUTH PLAIN ${PLAIN}\nS: 535 5.7.8 no ${PASSWORD}`,
    'a phrase of many words': `C: AUTH PLAIN ${base64(`\0${USER}\0one two three four five six seven eight nine ${PASSWORD}`)}\nS: 535 not one two three four five six seven eight nine ${PASSWORD}`,
    'a phrase of many words, echoed later': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${base64(`a b c d e f g h i ${PASSWORD}`)}\nS: 535 no\nC: NOOP\nS: 250 ${PASSWORD}`,
    'with a NUL behind it': `C: AUTH PLAIN ${PLAIN}\\0\nS: 535 bad ${PASSWORD}`,
    'in quotes': `C: AUTH PLAIN "${PLAIN}"\nS: 535 bad ${PASSWORD}`,
    'with white space in it': `C: AUTH PLAIN ${PLAIN.slice(0, 7)} ${PLAIN.slice(7, 13)} ${PLAIN.slice(13)}\nS: 535 bad ${PASSWORD}`,
    'typed, and corrected': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64.slice(0, 5)}\\x08\\x7f${PASSWORD64.slice(5)}\nS: 535 bad ${PASSWORD}`,
    'for URLs': `C: AUTH PLAIN ${base64(`\0${USER}>>>???\0${PASSWORD}>>>???`).replaceAll('+', '-').replaceAll('/', '_')}\nS: 535 bad ${PASSWORD}`,
    'echoed in hexadecimal': `C: AUTH PLAIN ${PLAIN}\nS: 535-bad ${hex}\nS+ 535-bad 0x${hex.toUpperCase()}\nS+ 535 bad ${hex.replaceAll(/../g, '$& ')}`,
    'echoed with percent signs': `C: AUTH PLAIN ${base64(`\0${USER}\0ab@${PASSWORD}`)}\nS: 535 bad ab%40${PASSWORD.replaceAll(/[-a-e]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)}`,
    'echoed with escapes': `C: AUTH PLAIN ${base64(`\0${USER}\0a"${PASSWORD}\\`)}\nS: 535-bad "a\\\\"${PASSWORD}\\\\\\\\"\nS+ 535 bad ${[...PASSWORD].map((letter) => `\\\\x${letter.charCodeAt(0).toString(16)}`).join('')}`,
    'echoed without its beginning': `C: AUTH PLAIN ${base64(`\0${USER}\0p\xe4${PASSWORD}`)}\nS: 535 bad p?${PASSWORD}, ..${PASSWORD.slice(1)}..`,
    'echoed encoded anew over two lines': `C: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 535-${base64(`${USER}:${PASSWORD}`).slice(0, 16)}\nS+ 535 ${base64(`${USER}:${PASSWORD}`).slice(16)}`,
    'echoed later among other letters': `C: AUTH PLAIN ${PLAIN}\nS: 535 no\nC: NOOP\nS: 250 you said z${PASSWORD}z\nC: NOOP\nS: 250 you said ${PASSWORD.slice(0, 9)}...`,
    'SCRAM-SHA-256': `C: AUTH SCRAM-SHA-256 ${base64(`n,,n=${USER},r=nonce`)}\nS: 334 ${base64('r=nonce')}\nC: ${base64(`c=biws,r=nonce,p=${PASSWORD}=`)}\nS: 535 bad proof ${PASSWORD}\nC: NOOP\nS: 250 ${PASSWORD}`,
    'DIGEST-MD5': `C: AUTH DIGEST-MD5\nS: 334 ${base64('nonce="1"')}\nC: ${base64(`charset=utf-8,username="${USER}",realm="mx",nonce="1",nc=00000001,cnonce="2",digest-uri="smtp/mx",response=${PASSWORD},qop=auth`)}\nS: 535 bad ${PASSWORD}\nC: NOOP\nS: 250 ${PASSWORD}`,
    OAUTHBEARER: `C: AUTH OAUTHBEARER ${base64(`n,a=${USER},\x01host=mx\x01port=25\x01auth=Bearer ${PASSWORD}\x01\x01`)}\nS: 334 x\nC: AQ==\nS: 535 bad ${PASSWORD}\nC: NOOP\nS: 250 ${PASSWORD}`,
    'in lines that CR ends': `C: EHLO x\\rAUTH LOGIN\\r${USER64}\\r${PASSWORD64}\\rQUIT\nS: 250 ok\nC: MAIL FROM:<a@example.com>\\rAUTH PLAIN ${PLAIN}\nS: 250 ${PASSWORD}\nC: NOOP\\rXXXX LOGIN\\r${USER}\\r${PASSWORD}\nS: 250 ok`,
    'in lines that CR ends, and none ended': `C~ EHLO x\\rAUTH LOGIN\\r${USER64}\\r${PASSWORD64}\\r\ncut`,
    'in front of a host, behind commands': `C: BURL imap://${USER}:${PASSWORD}@x/ LAST\nS: 250 ok\nC: EHLO http://${USER}:${PASSWORD}@x/\nS: 250 http://${USER}:${PASSWORD}@x/\nC: VRFY http://${USER}:${PASSWORD}@x/\nS: 250 ok\nC: MAIL FROM:<http://${USER}:${PASSWORD}@x/>\nS: 250 ok`,
    'sent by NNTP and the like': `C: AUTHINFO USER ${USER}\nS: 381 go on\nC: AUTHINFO PASS ${PASSWORD}\nS: 481 ${PASSWORD}?\nC: AUTHENTICATE "PLAIN" "${PLAIN}"\nS: 500 ${PASSWORD}?\nC: PASSWORD ${PASSWORD}\nS: 500 no\nC: XAUTH ${USER} ${PASSWORD}\nS: 500 no`,
    'sent with other verbs': `C: PASSWORD ${PASSWORD}\nS: 500 what is ${PASSWORD}?`,
    'sent by IMAP, word by word': `C: a1 AUTHENTICATE LOGIN\nS: +\nC: ${USER}\nS: +\nC: ${PASSWORD}\nS: a1 NO ${PASSWORD}`,
    'sent by XMPP and in forms': `C: <auth mechanism='PLAIN'>${PLAIN}</auth>\nS: 500 no\nC: {"user":"${USER}","password":"${PASSWORD}"}\nS: 500 no\nC: user=${USER}&password=${PASSWORD}\nS: 500 no\nC: X-Auth-Token: ${PASSWORD}\nS: 500 no`,
    'in clear text, stuck together': `C: AUTHLOGIN ${USER} ${PASSWORD}\nS: 500 what?`,
    'in clear text behind words that were masked': `C: AUTH LOGIN\nS: 500 what?\nC: XXXXXXXXX ${PASSWORD}\nS: 500 what?`,
    'in clear text after a mistyped verb': `C: AUT LOGIN\nS: 500 what?\nC: ${USER}\nS: 500 what?\nC: ${PASSWORD} ${PASSWORD}\nS: 500 what?`,
    'in clear text after a terminal has said what it can': `C: \\xff\\xfd\\x03AUTH LOGIN\nS: 500 what?\nC: ${USER} ${USER}\nS: 500 what?\nC: ${PASSWORD} ${PASSWORD}\nS: 500 what?`,
    'behind a mask, stuck to the mechanism': `C: XXXX PLAIN:${PLAIN}\nS: 500 what?\nC: PLAIN:${PLAIN}\nS: 500 what?\nC: XXXX PLAIN,${PLAIN}\nS: 500 what?\nC: XXXX PLAIN ${PLAIN} password: x\nS: 500 what?\nC: AUTH ${PASSWORD} http://x@y\nS: 500 what?`,
    'behind many words': `C: FOO ${'word '.repeat(17)}${PLAIN}\nS: 500 what?\nC: NOOP ${'word '.repeat(17)}${PLAIN}\nS: 250 ok`,
    'NTLM: the user echoed in clear': `C: AUTH NTLM ${ntlm(3, [wide('CORP'), wide(PASSWORD), wide('PC7')])}\nS: 500 CORP\\\\${PASSWORD} unrecognized`,
    'NTLM: domain and workstation echoed': `C: AUTH NTLM\nS: 334\nC: ${ntlm(3, [wide(PASSWORD), wide('me'), wide(`w${PASSWORD}`)])}\nS: 535 not ${PASSWORD}\\\\me at w${PASSWORD}`,
    'NTLM: OEM names of the first message': `C: AUTH NTLM ${ntlm(1, [PASSWORD, `w${PASSWORD}`])}\nS: 535 no ${PASSWORD}\nC: NOOP\nS: 250 w${PASSWORD}`,
    'NTLM: what the challenge names': `C: AUTH NTLM\nS: 334 ${ntlm(2, [wide(PASSWORD), targetInfo(PASSWORD, `c${PASSWORD}`)])}\nC: *\nS: 501 5.7.0 ${PASSWORD} and c${PASSWORD} are sad`,
    'NTLM: echoed in UTF-16, base64, hexadecimal': `C: AUTH NTLM ${ntlm(3, [wide('CORP'), wide(PASSWORD), wide('PC7')])}\nS: 535-5.7.8 ${[...PASSWORD].map((letter) => `${letter}\\0`).join('')}\nS+ 535-5.7.8 ${base64(wide(PASSWORD))} ${base64(`a${wide(PASSWORD)}`)}\nS+ 535 5.7.8 ${Buffer.from(wide(PASSWORD)).toString('hex')}`,
    'NTLM: refused, and sent all the same': `C: AUTH NTLM ${ntlm(1, [wide('CORP'), wide('PC7')])}\nS: 500 what?\nC: ${ntlm(3, [wide('CORP'), wide(PASSWORD), wide('PC7')])}\nS: 500 ${PASSWORD}?`,
    'NTLM: the message cut by the beginning': `midstream\nC: ${ntlm(3, [wide('CORP'), wide(PASSWORD), wide('PC7')]).slice(8)}\nS: 500 ${PASSWORD}?`,
    'AUTH= of MAIL': `C: MAIL FROM:<a@example.com> AUTH=${PASSWORD} SIZE=100\nS: 250 ok\nC: MAIL FROM:<a@example.com> SIZE=1 AUTH=${xtext(PASSWORD)}+40example.org\nS: 501 5.5.4 AUTH=${xtext(PASSWORD)} of ${PASSWORD}@example.org`,
    'AUTH= of a masked MAIL': `C: XXXX FROM:<a@example.com> AUTH=${PASSWORD} SIZE=100\nS: 500 what is "XXXX FROM:<a@example.com> AUTH=${PASSWORD}"?`,
    'AUTH= of MAIL, in lines that CR ends': `C: MAIL FROM:<a@example.com> AUTH=${PASSWORD} SIZE=100\\rNOOP\nS: 250 ok`,
    'attributes of XCLIENT': `C: XCLIENT NAME=client ADDR=192.0.2.9 LOGIN=${PASSWORD} PROTO=ESMTP\nS: 220 hello ${PASSWORD}\nC: XFORWARD NAME=client IDENT=${PASSWORD} LOGIN=${xtext(PASSWORD)}\nS: 501 ${PASSWORD}\nC: XXXXXXX ADDR=192.0.2.9 LOGIN=${PASSWORD}\nS: 500 no`,
    'in mail after DATA was refused': `C: MAIL FROM:<a@example.com>\nS: 250 ok\nC: DATA\nS: 554 5.5.1 no\nC: Subject: ${PASSWORD}\nC+ \nC+ buy ${PASSWORD} now\nC+ .\nS: 500 5.5.1 unrecognized: "Subject: ${PASSWORD}"\nS: 500 what?\nS: 500 5.5.1 unrecognized: "buy ${PASSWORD} now"\nS: 500 what?`,
    'in mail after a refused DATA, line by line': `C: DATA\nS: 451 later\nC: \nS: 500 ?\nC: good ${PASSWORD} day\nS: 500 good ${PASSWORD}?\nC: MAIL or ${PASSWORD}\nS: 501 ${PASSWORD}?\nC: HELP ${PASSWORD}\nS: 214 no help for ${PASSWORD}\nC: .\nS: 500 no\nC: and ${PASSWORD} more\nS: 500 ${PASSWORD}?`,
    'in mail sent with DATA': `C: MAIL FROM:<a@example.com>\nC+ RCPT TO:<b@example.net>\nC+ DATA\nC+ good ${PASSWORD} day\nC+ MAIL FROM:<${PASSWORD}@example.com>\nC+ the ${PASSWORD} end\nC+ .\nS: 250 ok\nS: 550 no\nS: 503 no\nS: 500 good ${PASSWORD}?\nS: 250 ${PASSWORD} is welcome\nS: 500-the ${PASSWORD}\nS+ 500 end ${PASSWORD}?\nS: 500 no`,
    'in mail, DATA never answered': `C: MAIL FROM:<a@example.com>\nS: 250 ok\nC: DATA\nC: good ${PASSWORD} day\nC: ${PASSWORD}: night\ncut`,
    'in mail, DATA answered late': `C: DATA\nC: From: a good ${PASSWORD} day\nC: the ${PASSWORD} end\nS: 503 no\nS: 500 ${PASSWORD}?\nC: more of ${PASSWORD} then\nS: 500 ${PASSWORD}!`,
    'in mail that is given up': `C: DATA\nS: 554 no\nC: good ${PASSWORD} day\nC: RSET\nS: 500 good ${PASSWORD}?\nS: 250 ok\nC: NOOP\nS: 250 ok\nC: VRFY someone\nS: 550 who is ${PASSWORD}?`,
    'in mail after a refused DATA, in pieces': `C: DATA\nS: 554 no\nC~ good ${PASSWORD} d\nC~ ay\\r\nC~ \\nto ${PASSWORD}\nS: 500 ${PASSWORD}?\ncut`,
    'in mail after a refused DATA, with a gap': `C: DATA\nS: 554 no\nC: good ${PASSWORD} day\nS: 500 ?\nC~ or ${PASSWORD}\nC? and\nC: to ${PASSWORD} all\nS: 500 to ${PASSWORD}?\nC: still ${PASSWORD} here\nS: 500 still ${PASSWORD}?\nC: .\nS: 500 no`,
    'in mail, its beginning not captured': `midstream\nC: good ${PASSWORD} day\nS: 500 what?\nC: still ${PASSWORD} here\nS: 500 what?\nC: .\nS: 500 no`,
    'in mail behind a masked DATA': `C: XXXX\nS: 500 what?\nC: Received: from ${PASSWORD} by x\nC+ Subject: hello\nC+ \nC+ dear ${PASSWORD} all\nC+ .\nS: 500 what is "Received: from ${PASSWORD} by x"?\nS: 500 ?\nS: 500 ?\nS: 500 dear ${PASSWORD}?\nS: 500 ?`,
    'in a chunk that was refused': `C: BDAT 44 LAST\nC~ dear ${PASSWORD.slice(0, 12)} all, to you\\r\\nand ${PASSWORD.slice(0, 10)}!\nS: 500 what is BDAT?\nS: 500 dear ${PASSWORD}?\nS: 500 and ${PASSWORD}?`,
    'behind a chunk, more of it': `C: BDAT 4 LAST\nC+ dear ${PASSWORD} all\nC+ and ${PASSWORD} too\nS: 502 no\nS: 500 dear ${PASSWORD}?`,
    'an HTTP proxy’s': `C: CONNECT mx.example:25 HTTP/1.1\nC: Proxy-Authorization: Basic ${PASSWORD64}\nC:\nS: HTTP/1.1 200 ok`,
  };
}

export const credentialScripts = scriptsWith({ user: USER, password: PASSWORD });

export const surrounded = (exchange: string): string =>
  `${exchange.startsWith('midstream') || exchange.includes('CONNECT') ? '' : 'S: 220 mx.example ESMTP\nC: EHLO client\nS: 250-mx.example\nS+ 250 AUTH PLAIN LOGIN\n'}${exchange}\nC: QUIT\nS: 221 bye`;
