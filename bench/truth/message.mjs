/** Messages as people and programs send them. */
import { createHash } from 'node:crypto';

const WORDS = (
  'meeting invoice report please find attached the quarterly figures for your review we will deliver on Monday as agreed ' +
  'with kind regards many thanks order number shipment delayed customs schedule update server maintenance window budget'
).split(' ');
const HIGH = [
  'Gr\xfc\xdfe aus M\xfcnchen',
  'r\xe9sum\xe9 joint',
  'ma\xf1ana a las 9',
  'pris: 120 \xa3',
  '\xe5rsm\xf8te',
];

export function sentence(random, words) {
  return Array.from({ length: words }, () => random.pick(WORDS)).join(' ');
}

/**
 * @param kind  `text`, `long`, `attachment`, `html`, `eight-bit`, `stars`, `report`
 * @returns `octets` as they are before dot-stuffing, ending in CRLF, and what is in them
 */
export function message(random, envelope, kind, { sizeOctets = 4000, signed = false, headers = [] } = {}) {
  const id = `<${random.text('0123456789abcdef', 12)}.${random.text('0123456789', 6)}@${envelope.domain}>`;
  const head = [
    `Date: ${new Date(envelope.atUs / 1000).toUTCString().replace('GMT', '+0000')}`,
    `From: ${envelope.from}`,
    `To: ${envelope.to[0]}`,
    `Subject: ${sentence(random, random.whole(2, 6))}`,
    `Message-ID: ${id}`,
    ...headers,
    'MIME-Version: 1.0',
  ];
  const body = BODIES[kind](random, head, sizeOctets, envelope);
  const text = Buffer.from(body, 'latin1');
  if (signed) head.unshift(signature(random, envelope.domain, text));
  const begin = Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
  return { id, kind, signed, octets: Buffer.concat([begin, text]), bodyAt: begin.length, envelope };
}

/** DKIM (RFC 6376) with a true body hash of the simple canonicalization; the signature itself is noise. */
function signature(random, domain, body) {
  let end = body.length;
  while (end >= 4 && body.toString('latin1', end - 4, end) === '\r\n\r\n') end -= 2;
  const hash = createHash('sha256').update(body.subarray(0, end)).digest('base64');
  return (
    `DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=${domain}; s=mail;\r\n` +
    `\th=from:to:subject:date:message-id; bh=${hash};\r\n\tb=${random.octets(96).toString('base64')}`
  );
}

function lines(random, octets) {
  let text = '';
  while (text.length < octets) text += `${sentence(random, random.whole(6, 11))}\r\n`;
  return text;
}

function base64(random, octets) {
  return random
    .octets(Math.ceil((octets * 3) / 4))
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');
}

const BODIES = {
  text(random, head, _size) {
    head.push('Content-Type: text/plain; charset=us-ascii');
    return lines(random, random.whole(40, 700));
  },
  long(random, head, size) {
    head.push('Content-Type: text/plain; charset=us-ascii');
    return lines(random, size);
  },
  html(random, head) {
    head.push('Content-Type: text/html; charset=us-ascii');
    return `<html><body>\r\n${lines(random, 600)}</body></html>\r\n`;
  },
  attachment(random, head, size) {
    const boundary = `=_${random.text('0123456789abcdef', 16)}`;
    head.push(`Content-Type: multipart/mixed; boundary="${boundary}"`);
    const name = `${random.pick(['scan', 'report', 'photo', 'offer'])}-${random.whole(1, 999)}.pdf`;
    return [
      `--${boundary}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      sentence(random, 12),
      `--${boundary}`,
      `Content-Type: application/pdf; name="${name}"`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${name}"`,
      '',
      base64(random, size),
      `--${boundary}--`,
      '',
    ].join('\r\n');
  },
  'eight-bit'(random, head) {
    head.push('Content-Type: text/plain; charset=iso-8859-1', 'Content-Transfer-Encoding: 8bit');
    return `${random.pick(HIGH)}\r\n${lines(random, 200)}${random.pick(HIGH)}\r\n`;
  },
  /** People draw. */
  stars(random, head) {
    head.push('Content-Type: text/plain; charset=us-ascii');
    return `${'*'.repeat(60)}\r\n* ${sentence(random, 4)}\r\n${'*'.repeat(60)}\r\nXXXXXXXXXXXX XXXXXXX\r\n${lines(random, 200)}`;
  },
  report(random, head, _size, { to, original = '<20241101.1@example.org>' }) {
    const boundary = `=_${random.text('0123456789abcdef', 16)}`;
    head.push(`Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`);
    return [
      `--${boundary}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'Your message did not reach some or all of the intended recipients.',
      '      Body type not supported by Remote Host',
      `--${boundary}`,
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; mail.example.org',
      '',
      `Final-Recipient: rfc822; ${to[0]}`,
      'Action: failed',
      'Status: 5.6.1',
      'Diagnostic-Code: smtp; 554 5.6.1 Body type not supported by Remote Host',
      '',
      `--${boundary}`,
      'Content-Type: text/rfc822-headers',
      '',
      `Message-ID: ${original}`,
      `To: ${to[0]}`,
      '',
      `--${boundary}--`,
      '',
    ].join('\r\n');
  },
};

/** Dot-stuffed, without the final dot (RFC 5321 section 4.5.2). */
export function stuffed(octets) {
  return Buffer.from(octets.toString('latin1').replace(/(^|\r\n)\./g, '$1..'), 'latin1');
}
