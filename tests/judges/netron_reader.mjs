// Opens a model with Netron's own JavaScript (from the netron wheel) and prints what Netron would show.
// argv: directory of the netron package, model file.
// Standard output: {"format", "graphs": [{"name", "inputs": [...], "outputs": [...], "nodes": [{"name", "type", "inputs", "outputs", "attributes"}]}]}

import {readFileSync, writeSync} from 'node:fs';
import {basename, join} from 'node:path';
import {pathToFileURL} from 'node:url';

const [netron, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(netron, `${name}.js`)));

try {
  write(JSON.stringify(describe(await open())));
} catch (error) {
  console.error(error.message.replaceAll('\n', ' '));
  process.exit(1);
}

async function open() {
  const [view, base, zip] = await Promise.all(['view', 'base', 'zip'].map(load));
  await zip.Archive.import();
  const host = {
    environment: () => null,
    require: load,
    asset: async (name) => readFileSync(join(netron, name), 'utf8'),
    fetch: async (name) => { throw new Error(`a model in several files is not read: '${name}'`); },
    error: (error) => { throw error; },
  };
  const context = {...host, identifier: basename(file), stream: new base.BinaryStream(readFileSync(file)), entries: new Map()};
  const service = new view.ModelFactoryService(host);
  service.import();
  return service.open(context);
}

function describe(model) {
  return {
    format: model.format,
    graphs: model.modules.map((graph) => ({
      name: graph.name ?? '',
      inputs: names(graph.inputs),
      outputs: names(graph.outputs),
      nodes: graph.nodes.map((node) => ({
        name: node.name,
        type: node.type.name,
        inputs: node.inputs.flatMap((argument) => names(argument.value)),
        outputs: node.outputs.flatMap((argument) => names(argument.value)),
        attributes: Object.fromEntries(node.attributes.map(({name, value}) => [name, plain(value)])),
      })),
    })),
  };
}

function names(values) {
  return values.map((value) => value.name);
}

function plain(value) {
  if (typeof value === 'bigint') return Number(value);
  return value !== null && typeof value === 'object' ? String(value) : value;
}

function write(answer) {
  const bytes = Buffer.from(answer);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}
