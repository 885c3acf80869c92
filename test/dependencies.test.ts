/** What a user installs with mailwitness: listed, licensed, pinned, and nothing that runs when it is installed but `cap`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const own = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { license?: string; dev?: true; hasInstallScript?: true; integrity?: string }>;
};
const installed = Object.entries(lock.packages)
  .filter(([path, { dev }]) => path !== '' && !dev)
  .map(([path, facts]) => ({ name: path.replace(/^.*node_modules\//, ''), ...facts }));

describe('dependencies', () => {
  it('are pinned to one version each', () => {
    const wanted = { ...own.dependencies, ...own.optionalDependencies, ...own.devDependencies };
    for (const version of Object.values(wanted)) expect(version).toMatch(/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/);
  });

  it('run nothing when they are installed, but cap, which may', () => {
    expect(installed.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)).toEqual([
      'cap',
    ]);
    expect(own.allowScripts).toEqual({ cap: true });
  });

  it('are locked by what they hold and not by where they came from', () => {
    for (const { name, integrity } of installed) expect(integrity, name).toMatch(/^sha512-/);
    expect(read('package-lock.json')).not.toMatch(/"resolved"|https?:\/\/registry/);
  });

  it('stand in SECURITY.md with a licence that lets them be given on', () => {
    const security = read('SECURITY.md');
    for (const { name, license } of installed) {
      expect(security, name).toContain(`\`${name}\``);
      // cap says it in a field that the lock file does not take over.
      expect(license ?? (name === 'cap' ? 'MIT' : undefined), name).toMatch(
        /^(MIT|ISC|BSD-[23]-Clause|Apache-2\.0)$/,
      );
    }
  });
});
