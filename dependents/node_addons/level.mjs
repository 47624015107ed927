// LevelDB: every operation is work of libuv's pool.
import { createRequire } from 'node:module';
const { ClassicLevel } = createRequire(process.env.MODULES + '/')('classic-level');

const db = new ClassicLevel('./db');
await Promise.all([...Array(500).keys()].map((i) => db.put(`key${String(i).padStart(4, '0')}`, `value ${i}`)));
await db.batch([...Array(500).keys()].map((i) => ({ type: 'del', key: `key${String(2 * i).padStart(4, '0')}` })));
console.log((await Promise.all([1, 2, 3, 499].map((i) =>
  db.get(`key${String(i).padStart(4, '0')}`).catch((error) => error.code)))).join(', '));
let count = 0;
for await (const [key] of db.iterator({ gte: 'key0100', lt: 'key0200' })) count += key.length === 7;
console.log('iterated', count);
await db.close();
const again = new ClassicLevel('./db');
console.log('again', (await again.keys().all()).length);
await again.close();
