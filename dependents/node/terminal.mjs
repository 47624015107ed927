// Runs on a terminal; terminal.py is at its other end and answers the questions.
import tty from 'node:tty';
import { once } from 'node:events';

const { stdin, stdout } = process;
const print = (...values) => console.log(values.join(' ')); // no colors
const input = async () => JSON.stringify(String((await once(stdin, 'data'))[0]));

print('terminals:', stdin.isTTY, stdout.isTTY, tty.isatty(0), tty.isatty(1));
print('size:', stdout.columns, stdout.rows, stdout.getWindowSize());

print('a line?');
print('line:', await input());

stdin.setRawMode(true);
print('keys?');
print('raw:', stdin.isRaw, await input());
stdin.setRawMode(false);

const resize = once(stdout, 'resize');
print('resize?');
await resize;
print('resized:', stdout.columns, stdout.rows);

const interrupt = once(process, 'SIGINT');
print('interrupt?');
print('signal:', await interrupt);

print('end?');
await once(stdin.resume(), 'end');
print('end');

// A process that exits in raw mode restores the terminal.
print('raw at the end:', new tty.ReadStream(0).setRawMode(true).isRaw);
process.exit();
