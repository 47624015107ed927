// fs.promises.readFile() of a small file, one after another and 64 at a time:
// files.mjs PATH, or files.mjs PATH METRIC FACTOR for one of them, longer.
import { promises as fs } from 'node:fs';

const [, , path, only, factor = 1] = process.argv;

async function measure(metric, amount, work) {
  if (only && only !== metric) return;
  amount *= factor;
  await work(Math.ceil(amount / 10)); // compiles it first
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await work(amount);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify(
    { metric, amount, rate: amount / seconds, cpu_s: (user + system) / 1e6 }));
}

async function sequential(count) {
  for (let i = 0; i < count; i++) await fs.readFile(path);
}

async function concurrent(count) {
  await Promise.all(Array.from({ length: 64 }, () => sequential(count / 64)));
}

await measure('node_read_sequential', 6000, sequential);
await measure('node_read_64', 19200, concurrent);
