/** Holds reports against what was put into the capture: a fast wrong answer is no answer. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * Throws where the report does not hold what was made: as many sessions, accepted messages and findings as `truth` tells,
 * each where it does.
 *
 * @returns a digest of the messages' digests, the same for each variant of a capture
 */
export async function checkReport(path, truth) {
  const found = { sessions: 0, messages: 0, findings: 0 };
  const digests = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.startsWith('{"id":"f')) found.findings++;
    if (!line.startsWith('{"id":"s')) continue;
    found.sessions++;
    found.messages += line.split('"accepted":true').length - 1;
    digests.push(...(line.match(/"digest":"[^"]+"/g) ?? []));
  }
  for (const [what, count] of Object.entries(found)) {
    const expected = truth[what];
    if (expected !== undefined && count !== expected)
      throw new Error(`the report holds ${count} ${what}; made were ${expected}`);
  }
  return createHash('sha256').update(digests.sort().join()).digest('hex');
}

/** Each session has its partner, and of each pair the greeting and both new numbers are told, and nothing else. */
export async function checkPairs(path, truth) {
  let pairs = 0;
  let wrong = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line.startsWith('{"inside":"s')) continue;
    pairs++;
    const { differences } = JSON.parse(line.replace(/,$/, ''));
    const subjects = differences.map(({ subject }) => subject).sort();
    const stars = differences.find(({ how }) => how === 'stars');
    if (subjects.join() !== 'greeting,sequence-numbers,sequence-numbers' || stars?.octets !== 28) wrong++;
  }
  if (pairs !== truth.sessions || wrong > 0) {
    throw new Error(`${pairs} pairs, ${wrong} of them wrong; made were ${truth.sessions}`);
  }
}
