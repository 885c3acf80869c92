/** The machine that the program runs on. The build for browsers puts `web.ts` in the place of `node.ts`. */
export * from './contract.js';
export * from './node.js';
