// fs.watch and fs.watchFile.
import fs from 'node:fs';
import { once } from 'node:events';

// Returns the events that `work` causes, up to the one for the file `last`.
async function events(folder, work, last) {
  const watcher = fs.watch(folder);
  const seen = [];
  const end = new Promise((done) => watcher.on('change', (event, name) => {
    if (name === last) done();
    else seen.push(`${event} ${name}`);
  }));
  work();
  fs.mkdirSync(`${folder}/${last}`);
  await end;
  watcher.close();
  await once(watcher, 'close');
  return seen.join(', ');
}

async function directory() {
  fs.mkdirSync('folder');
  const steps = {
    'create': () => fs.closeSync(fs.openSync('folder/file', 'w')),
    'write': () => fs.appendFileSync('folder/file', 'text'),
    'change the mode': () => fs.chmodSync('folder/file', 0o600),
    'rename': () => fs.renameSync('folder/file', 'folder/other'),
    'remove': () => fs.unlinkSync('folder/other'),
    'a folder': () => fs.mkdirSync('folder/deeper'),
    'many': () => {
      for (let i = 0; i < 100; i++) fs.mkdirSync(`folder/deeper/${i}`);
      for (let i = 0; i < 5; i++) fs.mkdirSync(`folder/${i}`);
    },
    'nothing': () => {},
  };
  for (const [name, work] of Object.entries(steps))
    console.log(`${name}: ${await events('folder', work, `after ${name}`)}`);
}

async function twoWatchers() {
  const watchers = [fs.watch('folder'), fs.watch('folder')];
  const changes = watchers.map((watcher) => once(watcher, 'change'));
  fs.writeFileSync('folder/shared', '');
  for (const [event, name] of await Promise.all(changes)) console.log('each of two:', event, name);
  for (const watcher of watchers) watcher.close();
}

async function file() {
  fs.writeFileSync('single', '');
  const watcher = fs.watch('single');
  const change = once(watcher, 'change');
  fs.appendFileSync('single', 'x');
  console.log('one file:', ...await change);
  watcher.close();
  try {
    fs.watch('missing');
  } catch (error) {
    console.log('missing:', error.code, error.syscall);
  }
}

async function promises() {
  const end = new AbortController();
  try {
    for await (const event of fs.promises.watch('folder', { signal: end.signal })) {
      console.log('promises:', event.eventType, event.filename);
      end.abort();
    }
  } catch (error) {
    console.log('promises:', error.name);
  }
}

function polling() {
  return new Promise((done) => {
    // Repeated, because a write before the first stat is not a change.
    const growing = setInterval(() => fs.appendFileSync('single', 'x'), 20);
    fs.watchFile('single', { interval: 10 }, (now, before) => {
      if (now.size === 0) {
        console.log('polling: gone');
        fs.unwatchFile('single');
        done();
      } else if (growing.hasRef()) {
        console.log('polling: larger', now.size > before.size);
        clearInterval(growing.unref());
        fs.unlinkSync('single');
      }
    });
  });
}

await directory();
await twoWatchers();
await file();
const aborted = promises();
fs.writeFileSync('folder/awaited', '');
await aborted;
await polling();
