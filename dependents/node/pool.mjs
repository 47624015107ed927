// The uses of the thread pool in Node.js, all at once: compression, key
// derivation, random bytes, files.
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import zlib from 'node:zlib';
import { promisify } from 'node:util';

const [gzip, gunzip, deflateRaw, inflateRaw, brotli, unbrotli, pbkdf2, scrypt, randomBytes, randomFill, randomInt,
       generateKeyPair, hkdf] =
  [zlib.gzip, zlib.gunzip, zlib.deflateRaw, zlib.inflateRaw, zlib.brotliCompress, zlib.brotliDecompress,
   crypto.pbkdf2, crypto.scrypt, crypto.randomBytes, crypto.randomFill, crypto.randomInt,
   crypto.generateKeyPair, crypto.hkdf].map(promisify);

const text = 'What is repeated, is compressed well. '.repeat(20000);
const short = (key) => Buffer.from(key).toString('hex').slice(0, 16);

const work = {
  gzip: async () => String(await gunzip(await gzip(text))) === text,
  deflate: async () => String(await inflateRaw(await deflateRaw(text, { level: 9 }))) === text,
  brotli: async () => String(await unbrotli(await brotli(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }))) === text,
  'not compressed': () => gunzip('no gzip').catch((error) => error.code),
  pbkdf2: async (i) => short(await pbkdf2('password', `salt ${i}`, 5000, 32, 'sha512')),
  scrypt: async (i) => short(await scrypt('password', `salt ${i}`, 32, { N: 1024 })),
  hkdf: async (i) => short(await hkdf('sha256', 'key', `salt ${i}`, 'info', 32)),
  'random bytes': async () => new Set(await Promise.all([1, 2, 3].map(() => randomBytes(16).then(short)))).size,
  'random fill': async () => (await randomFill(new Uint8Array(1 << 20))).some((byte) => byte !== 0),
  'random number': async () => await randomInt(5, 6),
  'key pair': async () => (await generateKeyPair('ed25519')).publicKey.asymmetricKeyType,
  files: async (i) => {
    await fs.writeFile(`file-${i}`, text);
    return await fs.readFile(`file-${i}`, 'utf8') === text;
  },
};

const results = await Promise.all(Object.entries(work).map(([name, one]) =>
  Promise.all(Array.from({ length: 10 }, (_, i) => one(i))).then((all) => `${name}: ${all.join(' ')}`)));
console.log(results.join('\n'));
