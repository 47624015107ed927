// A hundred thousand timers, most of them stopped or restarted.
import { setInterval, setTimeout as wait } from 'node:timers/promises';

async function many() {
  const count = 100000;
  let fired = 0, early = 0;
  const timers = Array.from({ length: count }, (_, i) => {
    const delay = 1 + (i * 7919) % 500;
    const due = performance.now() + delay - 1;
    return setTimeout(() => {
      fired++;
      if (performance.now() < due) early++;
    }, delay);
  });
  for (let i = 0; i < count; i += 2) clearTimeout(timers[i]);
  for (let i = 1; i < count; i += 4) timers[i].refresh();
  await wait(2000);
  console.log('many:', fired, 'early:', early);
}

async function order() {
  const order = [];
  const start = performance.now();
  for (const delay of [30, 10, 20, 5, 25, 15])
    setTimeout(() => order.push(delay), delay);
  while (performance.now() < start + 50);
  await wait(0);
  console.log('in order:', order.join(' '));
}

async function others() {
  const ticks = [];
  for await (const tick of setInterval(2, 'tick'))
    if (ticks.push(tick) === 5) break;
  console.log('interval:', ticks.join(' '));
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  await wait(1000000, null, { signal: stop.signal }).catch((error) => console.log('stopped:', error.name));
  let immediates = 0;
  const timer = setTimeout(() => console.log('a timer among immediates:', immediates > 0), 5);
  while (timer.hasRef() && !timer._destroyed) await new Promise((done) => setImmediate(done, immediates++));
  // These must not keep the process alive.
  setTimeout(() => console.log('never'), 1000000).unref();
  console.log('end');
}

await order();
await others();
await many();
