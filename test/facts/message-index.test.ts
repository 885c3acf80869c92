import { describe, expect, it } from 'vitest';
import { KeptPlaces, MessagePlaces, placeNumber, placeOf } from '../../src/facts/message-index.js';

describe('places of messages', () => {
  it('does what a Map would do', () => {
    const places = new MessagePlaces();
    const twin = new Map<string, number>();
    for (let i = 0; i < 50_000; i++) {
      const key = `<${(i * 7919) % 30_000}@example.com>\0a@b`;
      const expected = twin.get(key) ?? -1;
      if (expected < 0) twin.set(key, i);
      expect(places.note(key, i)).toBe(expected);
    }
    for (const [key, place] of twin) expect(places.find(key)).toBe(place);
    expect(places.find('<nobody@example.com>')).toBe(-1);
  });

  it('tells keys apart that differ in one character or in order', () => {
    const places = new MessagePlaces();
    const keys = ['', 'a', 'b', 'ab', 'ba', 'aa', 'aaa', '\0', 'a\0', '\0a'];
    for (const [place, key] of keys.entries()) expect(places.note(key, place)).toBe(-1);
    for (const [place, key] of keys.entries()) expect(places.find(key)).toBe(place);
  });

  it('takes no more than it may, and still knows what it has', () => {
    const places = new MessagePlaces(2);
    expect(places.note('one', 1)).toBe(-1);
    expect(places.note('two', 2)).toBe(-1);
    expect(places.note('three', 3)).toBe(-2);
    expect(places.note('one', 4)).toBe(1);
    expect(places.find('three')).toBe(-1);
  });

  it('takes next to nothing before there is anything to note: live makes one for every look at a session', () => {
    const before = process.memoryUsage().arrayBuffers;
    const many = Array.from({ length: 1_000 }, () => new MessagePlaces());
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(many.length * 1_000);
  });

  it('of sessions that are kept are known for as long, and not much longer', () => {
    const kept = 10;
    const places = new KeptPlaces(kept);
    const all = new KeptPlaces(Number.POSITIVE_INFINITY);
    for (let session = 1; session <= 100; session++) {
      for (const each of [places, all]) each.note(`key ${session}`, placeNumber({ id: `s${session}` }, 0));
      for (let before = Math.max(1, session - kept + 1); before <= session; before++) {
        expect(placeOf(places.find(`key ${before}`)).session).toBe(before);
      }
      if (session > 2 * kept) expect(places.find(`key ${session - 2 * kept}`)).toBe(-1);
    }
    expect(placeOf(all.find('key 1')).session).toBe(1);
  });

  it.each([
    ['s1', 0],
    ['s17', 9_999],
    ['s4000000000', 16_383],
  ])('%s, message %i, in a number and back', (id, message) => {
    expect(placeOf(placeNumber({ id }, message))).toEqual({ session: Number(id.slice(1)), message });
  });
});
