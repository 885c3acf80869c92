/** One of the 14 symptoms that KB 320027 lists, in its order. */
export interface Symptom {
  /** `kb320027/4` */
  readonly id: string;
  /** What the user sees, in short. */
  readonly seen: string;
  /** What the wire shows. */
  readonly onTheWire: string;
}

/** A row each, in the order of the article. Which rules speak for a symptom, the rules themselves say. */
export const SYMPTOMS: readonly Symptom[] = [
  symptom(1, 'No mail arrives from the Internet', 'Sessions end at a masked greeting, or wait for its rest'),
  symptom(
    2,
    'Mail with attachments cannot be sent',
    'Short messages pass, long ones never get their final reply',
  ),
  symptom(3, 'No telnet session on port 25', 'Commands of one octet per segment arrive as X’s'),
  symptom(
    4,
    'EHLO gets “Command unrecognized” or “OK”',
    'A bare OK, the reply to NOOP, or a 500 that quotes X’s',
  ),
  symptom(
    5,
    'Mail fails with certain domains',
    'The sessions with some servers show masks, with others none',
  ),
  symptom(
    6,
    'No login; 550 5.7.1 relaying denied',
    'AUTH is masked or lost, then RCPT is refused with 5.7.1',
  ),
  symptom(
    7,
    'Messages are sent five or six times',
    'The same message again and again, its end never answered',
  ),
  symptom(8, 'Messages arrive several times', 'The same, the other way round, at a steady interval'),
  symptom(9, 'Outlook reports 0x800CCC79', 'RCPT of a mail client is refused with 550, without AUTH'),
  symptom(
    10,
    '8BITMIME; 554 5.6.1 Body type not supported',
    '8BITMIME is masked; a delivery report says 5.6.1',
  ),
  symptom(
    11,
    'Attachments are missing or garbled',
    'Lines of base64 are asterisks or X’s, or the message has no end',
  ),
  symptom(12, 'Link state trouble between routing groups', 'X-LINK2STATE is masked in the EHLO reply'),
  symptom(13, 'X-LINK2STATE does not pass', 'The command arrives as X’s of its length'),
  symptom(14, 'Servers cannot authenticate to each other', 'X-EXPS is masked, or its command refused'),
];

function symptom(number: number, seen: string, onTheWire: string): Symptom {
  return { id: `kb320027/${number}`, seen, onTheWire };
}
