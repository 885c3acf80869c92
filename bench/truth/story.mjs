/** What happened in a scenario, for people. */
import { dotted } from './packet.mjs';

const time = (us, from) => `${((us - from) / 1e6).toFixed(3).padStart(9)} s`;

function short(value) {
  const text = Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
  return JSON.stringify(text.length > 90 ? `${text.slice(0, 90)}..` : text);
}

/** At one time: what arrived, then what was done with it. */
const turn = (text) => (text.startsWith('C') ? 1 : 0);

export function story(scenario) {
  const lines = [
    `${scenario.name}, seed ${scenario.seed}, seen from ${scenario.view}${scenario.lacks.length > 0 ? `; the capture ${scenario.lacks.join(', ')}` : ''}`,
  ];
  for (const conversation of scenario.conversations) {
    const { client, server, clientIp, serverIp, box, packetBox, translation, startUs } = conversation;
    lines.push(
      '',
      `${client} at ${dotted(clientIp)} to ${server} at ${dotted(serverIp)} (${conversation.host})${conversation.plot ? `, ${conversation.plot}` : ''}`,
    );
    if (box) lines.push(`  behind ${box.name}: ${JSON.stringify(box.settings)}`);
    if (packetBox) lines.push(`  behind a box: ${JSON.stringify(packetBox)}`);
    if (translation) lines.push(`  translated: ${JSON.stringify(translation)}`);
    for (const connection of conversation.connections) {
      lines.push(
        `  connection ${connection.number}, port ${connection.clientPort}, ${time(connection.openedUs, startUs)}: ${connection.outcome ?? connection.failed}`,
      );
      const events = [
        ...connection.exchanges.map(({ sentUs, verb, line }) => [
          sentUs,
          `C ${line === null ? verb : short(line)}`,
        ]),
        ...connection.exchanges
          .filter(({ reply }) => reply)
          .map(({ repliedUs, reply }) => [repliedUs, `  S ${short(reply.lines.join(' / '))}`]),
        ...connection.acts.map(({ atUs, kind, before, after, line, to, how, which }) => [
          atUs,
          `     box: ${kind} ${[line, to, how, which].filter(Boolean).map(short).join(' ')}${before ? ` ${short(before)} -> ${short(after)}` : ''}`,
        ]),
        ...connection.timeouts.map(({ atUs, waitedMs }) => [
          atUs,
          `     the client has waited ${waitedMs / 1000} s`,
        ]),
        ...connection.serverMessages.map(({ atUs, reply }) => [
          atUs,
          `     the server has the message: ${short(reply)}`,
        ]),
      ].sort(([one, text], [other, later]) => one - other || turn(text) - turn(later));
      for (const [at, text] of events) lines.push(`    ${time(at, startUs)} ${text}`);
    }
    const link = new Map();
    for (const { kind } of conversation.linkActs) link.set(kind, (link.get(kind) ?? 0) + 1);
    for (const [kind, count] of link) lines.push(`  the network: ${kind}, ${count} times`);
  }
  lines.push('', 'What it proves:');
  const rules = [...new Set(scenario.claims.list.map(({ rule }) => rule))];
  for (const rule of rules.sort()) lines.push(`  ${rule}: ${scenario.verdict(rule)}`);
  return `${lines.join('\n')}\n`;
}
