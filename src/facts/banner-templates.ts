/** A part of a greeting: fixed text, one of several texts, or a host name. */
export type BannerPart =
  | string
  /** What the reading shows where the mask leaves more than one text: `hh`, `D`. */
  | { readonly show: string; readonly options: readonly string[] }
  | { readonly any: 'host' };

/** A greeting after `220 `, as one product prints it. */
export interface BannerTemplate {
  readonly product: string;
  readonly parts: readonly BannerPart[];
}

const HOST: BannerPart = { any: 'host' };

function numbers(from: number, to: number, width: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(width, '0'));
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const DAYS = 'Mon Tue Wed Thu Fri Sat Sun'.split(' ');

/** RFC 822 date; whether the first nine days have one digit or two differs from server to server. */
function date(dayWidth: 1 | 2): BannerPart[] {
  return [
    { show: 'Ddd', options: DAYS },
    ', ',
    { show: 'D', options: numbers(1, 31, dayWidth) },
    ' ',
    { show: 'Mmm', options: MONTHS },
    ' ',
    { show: 'YYYY', options: numbers(1996, 2039, 4) },
    ' ',
    { show: 'hh', options: numbers(0, 23, 2) },
    ':',
    { show: 'mm', options: numbers(0, 59, 2) },
    ':',
    { show: 'ss', options: numbers(0, 60, 2) },
    ' ',
    { show: '?', options: ['+', '-'] },
    { show: 'hh', options: numbers(0, 14, 2) },
    { show: 'mm', options: ['00', '15', '30', '45'] },
  ];
}

/** Some releases end the date with a space. */
const MAYBE_SPACE: BannerPart = { show: '', options: ['', ' '] };

/** Builds of the SMTP service of Windows, as published greetings name them (4905: one of May 2002). */
const SMTPSVC_BUILDS = [
  '5.0.2172.1',
  '5.0.2195.1600',
  '5.0.2195.2966',
  '5.0.2195.4905',
  '5.0.2195.5329',
  '5.0.2195.5600',
  '5.0.2195.6713',
  '6.0.3790.211',
  '6.0.3790.1830',
  '6.0.3790.3959',
  '6.0.3790.4675',
  '7.0.6001.18000',
  '7.0.6002.18264',
  '7.5.7601.17514',
  '8.0.9200.16384',
  '10.0.14393.4169',
  '10.0.17763.1',
  '10.0.17763.1697',
];

/** Builds of the Internet Mail Service of Exchange 5.5: OpenVAS's check of its version, Microsoft's telnet article. */
const EXCHANGE_55_BUILDS = ['5.5.2448.0', '5.5.2651.58', '5.5.2653.13', '5.5.2656.59'];

/** `8.9.0/8.9.0` to `8.18.9/8.18.9`: sendmail prints the program's version, then that of its configuration. */
const SENDMAIL_VERSIONS = numbers(9, 18, 1).flatMap((minor) =>
  numbers(0, 9, 1).map((patch) => `8.${minor}.${patch}/8.${minor}.${patch}`),
);

const EXIM_VERSION: BannerPart = {
  show: '4.vv',
  options: numbers(10, 99, 1).flatMap((minor) => [
    `4.${minor}`,
    ...[1, 2, 3].map((patch) => `4.${minor}.${patch}`),
  ]),
};

/** No letter of a name is kept by a mask: of each length a few, that agree in no letter, stand for all. */
const ZONE_NAME: BannerPart = { show: 'ZZZ', options: ['EST', 'PDT', 'MSK', 'CEST', 'WITA', 'NZDT'] };

/**
 * Every build counts as one; the versions of Exim, sendmail and Domino are ranges around those published. These are
 * thousands of texts: `KnownGreetings` makes them when a masked greeting asks first.
 */
export function bannerTemplates(): readonly BannerTemplate[] {
  return [
    // Two spaces after "at": so in every published greeting that was not pasted through HTML.
    ...SMTPSVC_BUILDS.map((build) => ({
      product: 'Microsoft SMTP service',
      parts: [HOST, ` Microsoft ESMTP MAIL Service, Version: ${build} ready at  `, ...date(1), MAYBE_SPACE],
    })),
    ...EXCHANGE_55_BUILDS.map((build) => ({
      product: 'Exchange 5.5',
      parts: [HOST, ` ESMTP Server (Microsoft Exchange Internet Mail Service ${build}) ready`, MAYBE_SPACE],
    })),
    // Microsoft's "Use Telnet to test SMTP communication".
    {
      product: 'Exchange 2007 or later',
      parts: [HOST, ' Microsoft ESMTP MAIL Service ready at ', ...date(1), MAYBE_SPACE],
    },
    // postfix: conf/main.cf (smtpd_banner) and the packages of Debian and Ubuntu.
    ...['', ' (Debian/GNU)', ' (Ubuntu)'].map((system) => ({
      product: 'Postfix',
      parts: [HOST, ` ESMTP Postfix${system}`],
    })),
    // exim: the default of smtp_banner; " Ubuntu" and "#2" from published greetings of 4.95.
    ...['', ' Ubuntu', ' #2'].map((system) => ({
      product: 'Exim',
      parts: [HOST, ' ESMTP Exim ', EXIM_VERSION, `${system} `, ...date(2)],
    })),
    // Published greetings of 8.9.2 and later, with and without the zone's name.
    {
      product: 'sendmail',
      parts: [
        HOST,
        ' ESMTP Sendmail ',
        { show: '8.v.v/8.v.v', options: SENDMAIL_VERSIONS },
        '; ',
        ...date(1),
      ],
    },
    {
      product: 'sendmail',
      parts: [
        HOST,
        ' ESMTP Sendmail ',
        { show: '8.v.v/8.v.v', options: SENDMAIL_VERSIONS },
        '; ',
        ...date(1),
        ' (',
        ZONE_NAME,
        ')',
      ],
    },
    // OpenVAS's detection of Domino lists greetings of these three names; so does a list of greetings of 2001.
    ...['Lotus', 'IBM', 'HCL'].map((owner) => ({
      product: 'Domino',
      parts: [
        HOST,
        ` ESMTP Service (${owner} Domino Release `,
        {
          show: 'v.v.v',
          options: numbers(5, 14, 1).flatMap((major) =>
            [0, 5].flatMap((minor) =>
              numbers(0, 9, 1).flatMap((patch) => [
                `${major}.${minor}.${patch}`,
                ...numbers(1, 6, 1).map((fix) => `${major}.${minor}.${patch}FP${fix}`),
              ]),
            ),
          ),
        },
        ') ready at ',
        ...date(1),
      ],
    })),
  ];
}
