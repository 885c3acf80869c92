/** The order in which a server prints the keyword lines of its EHLO reply. */
export interface EhloTemplate {
  readonly server: string;
  /** Lines with parameters of any length end in `*`. */
  readonly lines: readonly string[];
  /** Every line must be there; otherwise lines may be missing. */
  readonly whole: boolean;
}

/** One order for each server; where it comes from stands above it. */
export const EHLO_TEMPLATES: readonly EhloTemplate[] = [
  // The protocol log of the Internet Mail Service in Microsoft's article on its authentication (May 2000).
  {
    server: 'Exchange 5.5',
    whole: true,
    lines: ['XEXCH50', 'HELP', 'ETRN', 'DSN', 'SIZE*', 'AUTH LOGIN', 'AUTH=LOGIN'],
  },
  // The Exchange 2000 script of Honeyd (2003), modelled on a server with build 5.0.2195.5329.
  {
    server: 'Exchange 2000',
    whole: true,
    lines: [
      'TURN',
      'ATRN',
      'SIZE*',
      'ETRN',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'VRFY',
      'X-EXPS GSSAPI NTLM LOGIN',
      'X-EXPS=LOGIN',
      'AUTH GSSAPI NTLM LOGIN',
      'AUTH=LOGIN',
      'X-LINK2STATE',
      'XEXCH50',
      'OK',
    ],
  },
  // A published session with the SMTP service of Windows 2000, build 5.0.2195.6713, without Exchange.
  {
    server: 'Windows 2000 SMTP service',
    whole: true,
    lines: [
      'AUTH GSSAPI NTLM LOGIN',
      'AUTH=LOGIN',
      'TURN',
      'ATRN',
      'SIZE*',
      'ETRN',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'VRFY',
      'OK',
    ],
  },
  // A published session with build 6.0.3790.4675, unmasked, whose order is the same as under an ASA's mask.
  {
    server: 'Exchange 2003',
    whole: true,
    lines: [
      'TURN',
      'SIZE*',
      'ETRN',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'VRFY',
      'X-EXPS GSSAPI NTLM LOGIN',
      'X-EXPS=LOGIN',
      'AUTH GSSAPI NTLM LOGIN',
      'AUTH=LOGIN',
      'X-LINK2STATE',
      'XEXCH50',
      'OK',
    ],
  },
  // Published sessions and send connector logs; the release is inferred from XEXCH50 and XSHADOW.
  {
    server: 'Exchange 2007 or 2010',
    whole: false,
    lines: [
      'SIZE*',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'X-ANONYMOUSTLS',
      'AUTH*',
      'X-EXPS NTLM',
      'X-EXPS GSSAPI NTLM',
      'X-EXPS EXCHANGEAUTH GSSAPI NTLM',
      'X-EXCHANGEAUTH SHA256',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'XEXCH50',
      'XRDST',
      'XSHADOW',
    ],
  },
  // Microsoft's "Use Telnet to test SMTP communication"; SMTPUTF8 from a session of 2024.
  // XEXCH50 and XSHADOWREQUEST from its article on "412 4.3.2 Service not active" (2013).
  {
    server: 'Exchange 2013 to 2019',
    whole: false,
    lines: [
      'SIZE*',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'X-ANONYMOUSTLS',
      'AUTH*',
      'X-EXPS GSSAPI NTLM',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'SMTPUTF8',
      'XEXCH50',
      'XRDST',
      'XSHADOWREQUEST',
    ],
  },
  // postfix: src/smtpd/smtpd.c.
  {
    server: 'Postfix',
    whole: false,
    lines: [
      'PIPELINING',
      'SIZE*',
      'VRFY',
      'ETRN',
      'STARTTLS',
      'AUTH*',
      'AUTH=*',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'DSN',
      'SMTPUTF8',
      'CHUNKING',
    ],
  },
  // exim: src/smtp_in.c; PIPE_CONNECT as servers of 4.95 print it.
  {
    server: 'Exim',
    whole: false,
    lines: [
      'SIZE*',
      'LIMITS*',
      '8BITMIME',
      'DSN',
      'ETRN',
      'EXPN',
      'PIPELINING',
      'PIPECONNECT',
      'PIPE_CONNECT',
      'AUTH*',
      'CHUNKING',
      'STARTTLS',
      'SMTPUTF8',
      'PRDR',
      'HELP',
    ],
  },
  // Published sessions with 8.13.4 and 8.14.4 of Debian and Ubuntu.
  {
    server: 'sendmail',
    whole: false,
    lines: [
      'ENHANCEDSTATUSCODES',
      'PIPELINING',
      'EXPN',
      'VERB',
      '8BITMIME',
      'SIZE*',
      'DSN',
      'ETRN',
      'AUTH*',
      'STARTTLS',
      'DELIVERBY',
      'HELP',
    ],
  },
];
