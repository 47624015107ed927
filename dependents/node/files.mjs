// fs.promises on a tree of 10,000 files, then each kind of call once.
import fs from 'node:fs/promises';
import { constants, createReadStream } from 'node:fs';
import path from 'node:path';

const folders = 100;
const files = 100;

const each = (count, work) => Promise.all(Array.from({ length: count }, (_, i) => work(i)));
const every = (work) => each(folders, (f) => each(files, (i) => work(`tree/${f}`, i)));
const code = (promise) => promise.then(() => 'no error', (error) => `${error.code} ${error.syscall}`);

async function tree() {
  await each(folders, (f) => fs.mkdir(`tree/${f}`, { recursive: true }));
  await every((folder, i) => fs.writeFile(`${folder}/${i}`, `${folder} `.repeat(i)));
  const stats = (await every((folder, i) => fs.stat(`${folder}/${i}`))).flat();
  console.log('stat:', stats.length, 'files of', stats.reduce((sum, s) => sum + s.size, 0), 'bytes');
  const texts = (await every((folder, i) => fs.readFile(`${folder}/${i}`, 'utf8')
    .then((text) => text === `${folder} `.repeat(i)))).flat();
  console.log('read:', texts.filter(Boolean).length, 'right');
  await every((folder, i) => fs.rename(`${folder}/${i}`, `${folder}/renamed-${i}`));
  let names = 0;
  for await (const folder of await fs.opendir('tree'))
    for (const entry of await fs.readdir(`tree/${folder.name}`, { withFileTypes: true }))
      names += entry.isFile() && entry.name.startsWith('renamed-');
  console.log('renamed:', names);
  await every((folder, i) => fs.unlink(`${folder}/renamed-${i}`));
  console.log('left:', (await each(folders, (f) => fs.readdir(`tree/${f}`))).flat().length);
  await fs.rm('tree', { recursive: true });
  console.log('the tree:', await code(fs.stat('tree')));
}

async function calls() {
  const file = await fs.open('file', 'w+', 0o640);
  console.log('write:', (await file.write('0123456789')).bytesWritten);
  console.log('write at:', (await file.write(Buffer.from('abc'), 0, 3, 2)).bytesWritten);
  console.log('writev:', (await file.writev([Buffer.from('x'), Buffer.from('yz')], 10)).bytesWritten);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
  console.log('read:', bytesRead, buffer.toString('utf8', 0, bytesRead));
  const parts = [Buffer.alloc(3), Buffer.alloc(4)];
  console.log('readv:', (await file.readv(parts, 1)).bytesRead, parts.join('|'));
  await file.truncate(5);
  await file.chmod(0o600);
  await file.utimes(1000.25, 2000.5);
  await file.sync();
  await file.datasync();
  const stat = await file.stat({ bigint: true });
  console.log('stat:', stat.size, stat.mode.toString(8), stat.atimeNs, stat.mtimeNs);
  await file.close();

  await fs.appendFile('file', '-appended');
  await fs.copyFile('file', 'copy');
  console.log('copy again:', await code(fs.copyFile('file', 'copy', constants.COPYFILE_EXCL)));
  await fs.link('file', 'hard');
  await fs.symlink('file', 'soft');
  await fs.lutimes('soft', 3000, 4000);
  console.log('links:', (await fs.stat('hard')).nlink, await fs.readlink('soft'),
              path.basename(await fs.realpath('soft')), (await fs.lstat('soft')).mtimeMs);
  console.log('access:', await code(fs.access('file', constants.R_OK)),
              await code(fs.access('missing')));
  console.log('temporary:', (await fs.mkdtemp('temporary-')).length);
  await fs.mkdir('a/b/c', { recursive: true });
  await fs.copyFile('file', 'a/b/c/file');
  await fs.cp('a', 'e', { recursive: true });
  console.log('cp:', await fs.readFile('e/b/c/file', 'utf8'));
  let text = '';
  for await (const chunk of createReadStream('copy', { start: 2, end: 8, encoding: 'utf8' })) text += chunk;
  console.log('part:', text);
  console.log('directory:', (await fs.readdir('.')).sort().filter((name) => !name.startsWith('temp')).join(' '));
}

async function errors() {
  console.log('open:', await code(fs.open('missing/file')));
  console.log('read a directory:', await code(fs.readFile('.')));
  console.log('mkdir:', await code(fs.mkdir('file')));
  console.log('rmdir:', await code(fs.rmdir('file')));
  console.log('readdir:', await code(fs.readdir('file')));
  console.log('readlink:', await code(fs.readlink('file')));
  console.log('rename:', await code(fs.rename('missing', 'other')));
  console.log('long name:', await code(fs.stat('x'.repeat(300))));
  await fs.symlink('circle', 'circle');
  console.log('circle:', await code(fs.stat('circle')), await code(fs.realpath('circle')));
  const closed = await fs.open('file');
  await closed.close();
  console.log('closed:', await code(closed.read(Buffer.alloc(1))));
}

await tree();
await calls();
await errors();
