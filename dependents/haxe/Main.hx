import eval.luv.*;
import eval.luv.Result;
import eval.integers.Int64;
import sys.thread.Thread;

using eval.luv.Stream;
using eval.luv.Handle;

class Main {
	static final loop = Loop.defaultLoop();

	static function ok<T>(result:Result<T>):T {
		return result.resolve();
	}

	static function timers() {
		final times = [];
		for (i in 0...5) {
			final timer = ok(Timer.init(loop));
			ok(timer.start(() -> {
				times.push(5 - i);
				timer.close(() -> {});
			}, (5 - i) * 10));
		}
		loop.run(DEFAULT);
		Sys.println('timers $times');
	}

	static function tcp() {
		final server = ok(Tcp.init(loop));
		ok(server.bind(ok(SockAddr.ipv4("127.0.0.1", 7777))));
		server.listen(result -> {
			ok(result);
			final peer = ok(Tcp.init(loop));
			ok(server.accept(peer));
			peer.readStart(read -> switch read {
				case Ok(data):
					peer.write([data], (result, _) -> ok(result));
				case Error(_):
					peer.close(() -> server.close(() -> {}));
			});
		});
		final client = ok(Tcp.init(loop));
		var received = 0;
		client.connect(ok(SockAddr.ipv4("127.0.0.1", 7777)), result -> {
			ok(result);
			final data = Buffer.create(300000);
			data.fill(7);
			client.write([data], (result, bytes) -> Sys.println('written $bytes'));
			client.readStart(read -> {
				received += ok(read).size();
				if (received == 300000)
					client.close(() -> Sys.println('received $received'));
			});
		});
		loop.run(DEFAULT);
	}

	static function process() {
		final input = ok(Pipe.init(loop));
		final output = ok(Pipe.init(loop));
		var ended = null;
		ok(Process.spawn(loop, "sort", ["sort"], {
			redirect: [
				Process.toParentPipe(0, input, true, false, false),
				Process.toParentPipe(1, output, false, true, false)
			],
			onExit: (process, status, signal) -> process.close(() -> ended = status)
		}));
		input.write(["pear\napple\nfig\n"], (result, _) -> input.close(() -> {}));
		output.readStart(read -> switch read {
			case Ok(data):
				Sys.print(data.toString());
			case Error(error):
				output.close(() -> Sys.println(error.toString()));
		});
		loop.run(DEFAULT);
		Sys.println('sort ended with $ended');
	}

	static function files() {
		File.open(loop, "numbers", [CREAT, WRONLY], opened -> {
			final file = ok(opened);
			file.write(loop, Int64.ZERO, [[for (i in 0...1000) '$i\n'].join("")], written -> {
				final size = ok(written);
				file.close(loop, _ -> File.stat(loop, "numbers", stat -> Sys.println('written $size, size ${ok(stat).size}')));
			});
		});
		loop.run(DEFAULT);
		File.stat(loop, "missing", stat -> switch stat {
			case Ok(_):
				Sys.println("found");
			case Error(error):
				Sys.println(error.toString());
		});
		loop.run(DEFAULT);
	}

	static function pool() {
		var sum = 0;
		for (i in 0...20)
			ThreadPool.queueWork(loop, () -> {}, result -> {
				ok(result);
				sum += i;
			});
		loop.run(DEFAULT);
		Sys.println('work $sum');
	}

	/** Each thread of Haxe has an event loop of its own, which is one of libuv. **/
	static function threads() {
		final main = Thread.current();
		final threads = [for (i in 0...4) Thread.createWithEventLoop(() -> {
			haxe.Timer.delay(() -> main.sendMessage(i), 10);
		})];
		var sum = 0;
		for (_ in threads)
			sum += Thread.readMessage(true);
		Sys.println('threads $sum');
	}

	static function main() {
		timers();
		tcp();
		process();
		files();
		pool();
		threads();
	}
}
