// Signals to this process and to children.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const names = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGPIPE', 'SIGALRM', 'SIGCHLD'];

async function own() {
  const waiting = setInterval(() => {}, 1e6); // a listener alone keeps no process
  for (const name of names) {
    const arrived = once(process, name);
    process.kill(process.pid, name);
    console.log('arrived:', ...await arrived);
  }
  let count = 0;
  const one = () => count++, two = () => count++;
  process.on('SIGUSR2', one).on('SIGUSR2', two);
  process.kill(process.pid, 'SIGUSR2');
  await once(process, 'SIGUSR2');
  process.off('SIGUSR2', one);
  process.kill(process.pid, 'SIGUSR2');
  await once(process, 'SIGUSR2');
  process.off('SIGUSR2', two);
  console.log('listeners were called:', count);
  clearInterval(waiting);
  for (const name of ['SIGKILL', 'SIGSTOP']) {
    try {
      process.on(name, () => {});
    } catch (error) {
      console.log(name, error.code);
    }
  }
}

// A child that reports when it is ready, after it has run `body`.
async function child(body) {
  const started = spawn(process.execPath,
                        ['-e', `${body}; console.log('ready'); setInterval(() => {}, 1000)`],
                        { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(started.stdout, 'data');
  return started;
}

async function children() {
  const end = (child) => once(child, 'exit').then(([code, signal]) => `${code} ${signal}`);
  const plain = await child('');
  plain.kill('SIGTERM');
  console.log('no listener:', await end(plain));
  const polite = await child(`process.on('SIGTERM', () => process.exit(3))`);
  polite.kill('SIGTERM');
  console.log('a listener:', await end(polite));
  // The default action is restored when the last listener is removed.
  const removed = await child(`const f = () => {}; process.on('SIGTERM', f); process.off('SIGTERM', f)`);
  removed.kill('SIGTERM');
  console.log('a listener that was removed:', await end(removed));
  const twice = await child(`process.once('SIGHUP', () => console.log('first'))`);
  twice.kill('SIGHUP');
  console.log('once:', String(await once(twice.stdout, 'data')).trim());
  twice.kill('SIGHUP');
  console.log('twice:', await end(twice));
  const killed = await child(`process.on('SIGTERM', () => {})`);
  killed.kill('SIGKILL');
  console.log('killed:', await end(killed));
  try {
    process.kill(killed.pid, 0);
  } catch (error) {
    console.log('nobody is left:', error.code);
  }
}

await own();
await children();
