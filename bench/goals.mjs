/** What the figures are held against. */

/** A line of the table: a goal, and what was measured of it. `beside` is the same ratio in CPU time. */
function line(text, { measured, limit, atLeast = false, digits = 1, beside, note }) {
  const shown = (value) => (Number.isFinite(value) ? value.toFixed(digits) : '-');
  const known = Number.isFinite(measured);
  const met = known && (atLeast ? measured >= limit : measured <= limit);
  return {
    met: known ? met : null,
    cells: [
      text,
      `${atLeast ? 'at least' : 'at most'} ${limit}`,
      `${known ? shown(measured) : 'not measured'}${known && note ? ` (${note})` : ''}`,
      beside === undefined ? '' : shown(beside),
      known ? (met ? 'yes' : '**no**') : '-',
    ],
  };
}

/** @param results  capture → tool → what it took */
export function goals(results, { extrapolated }) {
  const figure = (capture, tool, what) => results.get(capture)?.get(tool)?.[what] ?? Number.NaN;
  const ratio = (capture, tool, other, what) => figure(capture, tool, what) / figure(capture, other, what);
  const wall = (text, capture, tool, other, limit, atLeast = false) =>
    line(text, {
      limit,
      atLeast,
      measured: ratio(capture, tool, other, 'wall'),
      beside: ratio(capture, tool, other, 'cpu'),
    });
  const cpu = (text, capture, tool, other, limit, atLeast, note) =>
    line(text, {
      limit,
      atLeast,
      measured: ratio(capture, tool, other, 'cpu'),
      note,
      digits: atLeast ? 1 : 2,
    });
  const resident = (text, capture, limit) =>
    line(text, { limit, measured: figure(capture, 'mailwitness', 'rss') / 1e6, digits: 0 });
  const tshark = (text, capture, limit) =>
    cpu(text, capture, 'tshark', 'mailwitness', limit, true, extrapolated ? 'extrapolated' : undefined);

  const lines = [
    wall('mail, 1 GB: time, in plain reads of the file', 'mail', 'mailwitness', 'plain read', 8),
    wall('mixed, 1 GB: time, in plain reads of the file', 'mixed', 'mailwitness', 'plain read', 2.8),
    wall(
      "mixed, 1 GB: time, in times of `tcpdump -w /dev/null 'tcp port 25'`",
      'mixed',
      'mailwitness',
      'tcpdump',
      1,
    ),
    tshark('mail, 1 GB: CPU of tshark, in times of ours', 'mail', 30),
    tshark('mixed, 1 GB: CPU of tshark, in times of ours', 'mixed', 65),
    tshark('200,000 open: CPU of tshark, in times of ours', 'many', 30),
    wall('mail, 1 GB: time of tcpflow, in times of ours', 'mail', 'tcpflow', 'mailwitness', 2.5, true),
    resident('mail, 1 GB: MB resident', 'mail', 80),
    resident('mixed, 1 GB: MB resident', 'mixed', 80),
    resident('200,000 open: MB resident', 'many', 350),
    wall('44 KB: time, in times of an empty Node process', 'small', 'mailwitness', 'empty Node process', 1.6),
  ];
  for (const kind of ['mail', 'mixed']) {
    for (const variant of ['pcapng', 'IPv6', 'VLAN']) {
      const text = `${kind} in ${variant}: CPU beyond start-up, in times of the plain capture`;
      lines.push(cpu(text, `${kind} variants, work`, variant, 'plain', 1.3, false));
    }
  }
  if (results.has('both sides')) {
    const [pair, one] = ['compare', 'analyze'];
    lines.push(
      wall('compare, two of 1 GB: time, in times of analysing one', 'both sides', pair, one, 2.2),
      line('compare, two of 1 GB: MB resident beyond that', {
        limit: 200,
        measured: (figure('both sides', pair, 'rss') - figure('both sides', one, 'rss')) / 1e6,
        digits: 0,
      }),
    );
  }
  return lines;
}
