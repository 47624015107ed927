# Raku's asynchronous classes, which MoarVM implements with libuv. The output is
# the same in every run.
run(%*ENV<MAPS>, $*PID).so or die;

sub section($name, &body) {
    say "== $name";
    body;
}

# Depends on the order of the bytes.
sub sum(Blob $bytes) {
    my int $a = 1;
    my int $b = 0;
    for $bytes.list -> int $byte {
        $a = ($a + $byte) % 65521;
        $b = ($b + $a) % 65521;
    }
    "{$bytes.elems} bytes $a $b"
}

section 'timers', {
    my $before = now;
    say await (90, 30, 60).map: -> $ms { Promise.in($ms / 1000).then({ $ms }) };
    say 'in time: ', now - $before >= 0.09;
    my @ticks;
    react {
        whenever Supply.interval(0.005) -> $tick {
            @ticks.push($tick);
            done if $tick == 9;
        }
        whenever Promise.in(30) { die 'no ticks' }
    }
    say @ticks;
    my $cancelled = $*SCHEDULER.cue({ say 'never' }, :in(20));
    $cancelled.cancel;
    say Promise.in(0.01).result;
}

section 'processes', {
    sub finished(Proc::Async $proc, :$input) {
        my ($out, $err) = '', '';
        $proc.stdout.tap({ $out ~= $_ });
        $proc.stderr.tap({ $err ~= $_ });
        my $started = $proc.start;
        with $input {
            await $proc.print($input);
            $proc.close-stdin;
        }
        my $result = await $started;
        ($out, $err, $result.exitcode, $result.signal)
    }
    say finished(Proc::Async.new('sh', '-c', 'echo out; echo err >&2; exit 3'));
    say finished(Proc::Async.new(:w, 'tr', 'a-z', 'A-Z'), :input("some text\n"));
    my $text = (^100_000).join("\n");
    my $answer = finished(Proc::Async.new(:w, 'cat'), :input($text));
    say "through cat: $answer[0].chars() { $answer[0] eq $text }";
    my $sleeper = Proc::Async.new('sleep', '100');
    my $ended = $sleeper.start;
    await $sleeper.ready;
    $sleeper.kill(SIGTERM);
    say 'killed: ', (await $ended).signal;
    my $nothing = Proc::Async.new('./nothing-of-the-kind');
    say 'none: ', (try await $nothing.start) // $!.^name;
    say await (1..40).map: -> $i { Proc::Async.new('sh', '-c', "exit $i").start.then({ .result.exitcode }) };
    my $here = Proc::Async.new('sh', '-c', 'pwd; echo $VARIABLE');
    my $said = '';
    $here.stdout.tap({ $said ~= $_ });
    await $here.start(:cwd('/usr'), :ENV(%(%*ENV, VARIABLE => 'set')));
    say $said.lines;
    say run('sort', '-n', :in, :out).&{ .in.print("10\n9\n1\n"); .in.close; .out.slurp(:close).lines };
    say shell('exit 5').exitcode, ' ', qx{echo quoted}.chomp;
}

section 'TCP', {
    for '127.0.0.1', '::1' -> $host {
        my $noise = Blob.new((^50_000).map({ ($_ * $_ * 7 + $_ * 31) % 251 }));
        my $tap = IO::Socket::Async.listen($host, 0).tap: -> $peer {
            $peer.Supply(:bin).tap: -> $data { $peer.write($data) }, done => { $peer.close };
        };
        my $port = await $tap.socket-port;
        my @sums = await (^30).map: -> $i {
            start {
                my $client = await IO::Socket::Async.connect($host, $port);
                my $expected = $noise.subbuf($i * 100);
                my $received = Buf.new;
                react {
                    whenever $client.Supply(:bin) -> $data {
                        $received.append($data);
                        done if $received.elems == $expected.elems;
                    }
                    whenever $client.write($expected) { }
                }
                die 'not an echo' unless $received.decode('latin-1') eq $expected.decode('latin-1');
                $client.close;
                sum($received)
            }
        };
        .say for @sums[0, 10, 29];
        $tap.close;
        my $refused = IO::Socket::Async.connect($host, $port);
        say 'refused: ', (try await $refused) // 'yes';
    }
    my $tap = IO::Socket::Async.listen('127.0.0.1', 0).tap: -> $peer {
        $peer.Supply.lines.tap: -> $line {
            $peer.print("you said $line\n");
            $peer.close if $line eq 'bye';
        }
    };
    my $sync = IO::Socket::INET.new(:host<127.0.0.1>, :port(await $tap.socket-port));
    for 'hello', 'naïve ☃', 'bye' {
        $sync.print("$_\n");
        say $sync.get;
    }
    say 'end: ', $sync.recv;
    $tap.close;
}

section 'UDP', {
    my $server = IO::Socket::Async.bind-udp('127.0.0.1', 45000);
    my $tap = $server.Supply(:datagram).tap: {
        $server.print-to(.hostname, .port, "got {.data}");
    };
    my $client = IO::Socket::Async.bind-udp('127.0.0.1', 45001);
    my $count = 0;
    react {
        whenever $client.Supply -> $data {
            die "got $data" unless $data eq "got datagram $count";
            if ++$count == 300 { done } else { $client.print-to('127.0.0.1', 45000, "datagram $count") }
        }
        $client.print-to('127.0.0.1', 45000, 'datagram 0');
    }
    say "answers: $count";
    $tap.close;
    $client.close;
    $server.close;
}

section 'watching files', {
    mkdir 'watched';
    my @events;
    my $watching = Promise.new;
    react {
        whenever 'watched'.IO.watch -> $change {
            my $name = $change.path.IO.basename;
            if $name eq 'probe' {
                $watching.keep unless $watching;
            } else {
                @events.push("$name {$change.event}");
                done if $name eq 'last';
            }
        }
        # Another thread starts the watcher at an unknown time.
        whenever start {
            until $watching {
                'watched/probe'.IO.spurt('');
                sleep 0.01;
            }
        } {
            'watched/one'.IO.spurt('text');
            rename 'watched/one', 'watched/two';
            unlink 'watched/two';
            mkdir 'watched/last';
        }
    }
    .say for @events;
}

section 'signals', {
    my $count = 0;
    react {
        whenever signal(SIGUSR1) {
            say "$_ {++$count}";
            if $count == 3 { done } else { run 'kill', '-USR1', $*PID }
        }
        run 'kill', '-USR1', $*PID;
    }
}

section 'threads', {
    my $channel = Channel.new;
    my @workers = (^4).map: -> $w { start { for 1..250 { $channel.send($w * 1000 + $_) } } };
    await @workers;
    $channel.close;
    say $channel.list.sum;
    my $lock = Lock.new;
    my $condition = $lock.condition;
    my $turn = 0;
    my @order;
    my @threads = (^5).map: -> $t {
        Thread.start({
            $lock.protect({
                $condition.wait({ $turn == $t });
                @order.push($t);
                $turn++;
                $condition.signal_all;
            })
        })
    };
    .finish for @threads;
    say @order;
    say (1..2000).hyper(:batch(50)).map({ $_ ** 2 }).sum;
    my $semaphore = Semaphore.new(2);
    my $inside = 0;
    my $most = 0;
    await (^20).map: { start {
        $semaphore.acquire;
        $lock.protect({ $most max= ++$inside });
        sleep 0.001;
        $lock.protect({ $inside-- });
        $semaphore.release;
    } };
    say 'never more than two: ', $most <= 2;
}

section 'files', {
    mkdir 'deep/er/still';
    'deep/file'.IO.spurt('contents');
    say 'deep/file'.IO.slurp, ' ', 'deep/file'.IO.s, ' ', 'deep'.IO.d, ' ', 'none'.IO.e;
    'deep/file'.IO.copy('deep/copy');
    'deep/file'.IO.symlink('deep/link');
    'deep/file'.IO.link('deep/hard');
    'deep/copy'.IO.rename('deep/moved');
    'deep/moved'.IO.chmod(0o640);
    say 'deep/moved'.IO.mode, ' ', 'deep/link'.IO.l;
    say dir('deep').map(*.basename).sort;
    my $file = open 'deep/file', :rw;
    $file.seek(4);
    $file.print('AIN');
    $file.close;
    say 'deep/hard'.IO.slurp;
    for <deep/file deep/moved deep/link deep/hard> { unlink $_ }
    say (try rmdir 'deep').so, ' ', (try 'none'.IO.slurp).defined, ' ', (try 'none'.IO.rename('other')).so;
    rmdir $_ for <deep/er/still deep/er deep>;
    say 'deep'.IO.e;
    my @sizes = await (1..50).map: -> $i { start { "file$i".IO.spurt('x' x $i * 100); "file$i".IO.s } };
    say @sizes.sum;
}
