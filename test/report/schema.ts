/** The published schema, as a check that every report in the tests passes. */
import { readFileSync } from 'node:fs';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect } from 'vitest';

const schema = JSON.parse(readFileSync(new URL('../../schema/report-1.json', import.meta.url), 'utf8')) as {
  $id: string;
  $defs: Record<string, { properties?: object; required?: string[] }>;
};

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
formats.default(ajv);
const validate = ajv.compile(schema);
const parts = new Map<string, ValidateFunction>();

export const publishedSchema = schema;

/** What the schema has against a report; empty when it is one. */
export function schemaErrors(report: unknown): string[] {
  return complaints(validate, report);
}

const LINES = ['capture', 'session', 'finding', 'diagnosis', 'firewallLog', 'comparison', 'pair', 'unpaired'];

/** The same for one line of ndjson, by its `type`. */
export function lineErrors(line: { type?: string }): string[] {
  const type = line.type ?? '';
  if (!LINES.includes(type)) return [`unknown type ${type}`];
  let part = parts.get(type);
  if (!part) {
    part = ajv.compile({ $ref: `${schema.$id}#/$defs/${type}` });
    parts.set(type, part);
  }
  return complaints(part, line);
}

/** Parses a report and expects it to be valid. */
export function parseReport<T = Record<string, unknown>>(text: string): T {
  const report = JSON.parse(text) as T;
  expect(schemaErrors(report)).toEqual([]);
  return report;
}

function complaints(check: ValidateFunction, value: unknown): string[] {
  if (check(value)) return [];
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
