# The programs of libuv's user guide, from the sources of the reference: they
# are compiled against our header and do what the guide describes. Only the load
# script for Node (multi-echo-server/hammer.js) is replaced here.
title="the programs of libuv's guide"
packages=(libcurl4-openssl-dev curl python3 iproute2 mount procps)
other=reference

guide=$WORK/guide/bin

setup() {
  local code program
  code=$(realpath target/reference/include)/../docs/code
  rm -rf "$guide"
  mkdir -p "$guide"
  compile() {
    cc -Iinclude -o "$guide/$1" "${@:2}" -Ltarget/lib -l:libuv.so.1 -lpthread -ldl
  }
  for program in "$code"/*/main.c; do
    program=$(basename "$(dirname "$program")")
    case $program in
      plugin) compile plugin "$code/plugin/main.c" -rdynamic ;;
      uvwget) compile uvwget "$code/uvwget/main.c" -lcurl ;;
      *) compile "$program" "$code/$program/main.c" ;;
    esac
  done
  # Programs and libraries that some of them start or load.
  compile tick "$code/cgi/tick.c"
  compile worker "$code/multi-echo-server/worker.c"
  compile test "$code/proc-streams/test.c"
  cc -shared -fPIC -o "$guide/libhello.so" "$code/plugin/hello.c"
}

version() {
  sed -nE 's/^#define UV_VERSION_(MAJOR|MINOR|PATCH) //p' \
    target/reference/include/uv/version.h | paste -sd.
}

# ---- Helpers ----

# finish PID: ends a server.
finish() {
  kill "$1"
  wait "$1" || [ $? = 143 ]
}

# echo_clients N ADDRESS: N clients at once send 100 KB each and read it back.
echo_clients() {
  python3 - "$@" <<'PYTHON'
import os, socket, sys, threading

count, address = int(sys.argv[1]), sys.argv[2]


def run(number):
    kind = socket.AF_UNIX if "/" in address else socket.AF_INET
    to = address if "/" in address else ("127.0.0.1", int(address))
    sent = bytes([number]) * 100_000
    with socket.socket(kind) as connection:
        connection.connect(to)
        sender = threading.Thread(target=connection.sendall, args=[sent])
        sender.start()
        received = b""
        while len(received) < len(sent):
            received += connection.recv(65536)
        sender.join()
        same[number] = received == sent


same = [False] * count
threads = [threading.Thread(target=run, args=[i]) for i in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(same), "of", count, "clients got back what they sent")
PYTHON
}

# on_terminal PROGRAM: runs it on a terminal of 10 lines and 40 columns.
on_terminal() {
  python3 - "$@" <<'PYTHON'
import fcntl, os, pty, struct, sys, termios

pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 40, 0, 0))
    os.environ["LD_PRELOAD"] = "check_maps.so"
    os.execv(sys.argv[1], sys.argv[1:])
output = b""
try:
    while data := os.read(terminal, 4096):
        output += data
except OSError:  # the other side is closed
    pass
for line in output.splitlines():
    print(line)
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
}

listening() {
  [ -n "$(ss -Hltn "sport = :$1")" ]
}

# catches PID SIGNAL: tests whether it has a handler for the signal.
catches() {
  local mask
  mask=$(sed -n 's/^SigCgt:\s*//p' "/proc/$1/status")
  ((0x$mask >> ($2 - 1) & 1))
}

# ---- One function for each program ----

demo_helloworld() { checked "$guide/helloworld"; }
demo_default-loop() { checked "$guide/default-loop"; }
demo_idle-basic() { checked "$guide/idle-basic"; }
demo_uvstop() { checked "$guide/uvstop"; }
demo_interfaces() { checked "$guide/interfaces"; }
demo_proc-streams() { checked "$guide/proc-streams"; }
demo_ref-timer() { checked "$guide/ref-timer" 2>&1 | uniq; } # several times
demo_tty() { on_terminal "$guide/tty"; }
demo_tty-gravity() { on_terminal "$guide/tty-gravity"; }

demo_idle-compute() { echo "some input" | checked "$guide/idle-compute"; }

demo_uvcat() {
  seq 100000 >numbers
  checked "$guide/uvcat" numbers | sha256sum
  checked "$guide/uvcat" missing
}

demo_uvtee() {
  seq 5000 | checked "$guide/uvtee" copy | sha256sum
  sha256sum <copy
}

demo_spawn() {
  checked "$guide/spawn" 2>&1 | sed 's/ID [0-9]*/ID N/'
  ls -d test-dir
  checked "$guide/spawn" 2>&1 | sed 's/ID [0-9]*/ID N/' # mkdir fails now
}

# The child continues in its own session.
demo_detach() {
  local child
  child=$(checked "$guide/detach" 2>&1 | sed 's/^Launched sleep with PID //')
  wait_for eval "[ \$(ps -o comm= -p $child) = sleep ]"
  [ "$(ps -o sid= -p "$child" | tr -d ' ')" = "$child" ]
  echo "its own session"
  kill "$child"
}

# The order depends on the scheduler.
demo_locks() {
  checked "$guide/locks" | sed 's/\(Reader.*num = \).*/\1N/' | sort | uniq -c
}
demo_thread-create() { checked "$guide/thread-create" 2>&1 | sort; }
demo_queue-work() { checked "$guide/queue-work" 2>&1 | sort; }

# Reports may coalesce, and the last one can come too late for its handle, which
# is closed when the work is done.
demo_progress() { checked "$guide/progress" 2>&1 | sed -n '1p; $p'; }

# Each number is either calculated or cancelled.
demo_queue-cancel() {
  local pid
  "$guide/queue-cancel" >out 2>&1 &
  pid=$!
  wait_for catches $pid 2
  maps $pid
  kill -INT $pid
  wait $pid
  grep Signal out
  grep -o -m1 cancelled out
  sed -nE 's/^(Calculation of )?([0-9]+).*/\2/p' out | sort -n | paste -sd' '
}

# Three loops in two threads; one of them spins, which shows that all handles
# work.
demo_signal() {
  local pid
  "$guide/signal" >out &
  pid=$!
  wait_for catches $pid 10
  maps $pid
  wait_for eval "[ \$(cut -d' ' -f14 /proc/$pid/stat) -ge 10 ]"
  kill -USR1 $pid
  wait $pid
  sed 's/PID .*/PID N/' out
}

demo_onchange() {
  local pid
  count() { [ "$(grep -c '^ran$' out)" = "$1" ]; }
  mkdir directory
  touch file
  "$guide/onchange" "echo ran" directory file >out 2>&1 &
  pid=$!
  wait_for eval "[ \$(cat /proc/$pid/fdinfo/* | grep -c '^inotify wd') = 2 ]"
  maps $pid
  mkdir directory/one
  wait_for count 1
  mv directory/one directory/two
  wait_for count 3
  rmdir directory/two
  wait_for count 4
  echo more >>file
  wait_for count 5
  chmod 600 file
  wait_for count 6
  finish $pid
  cat out
}

demo_plugin() {
  cp "$guide/libhello.so" .
  checked "$guide/plugin" ./missing.so ./libhello.so
}

demo_pipe-echo-server() {
  local pid
  "$guide/pipe-echo-server" &
  pid=$!
  wait_for test -S echo.sock
  maps $pid
  echo_clients 20 ./echo.sock
  kill -INT $pid
  wait $pid
  [ ! -e echo.sock ]
  echo "the socket is gone"
}

# All on port 7000, so one after the other.
demo_servers() {
  local pid workers

  "$guide/tcp-echo-server" &
  pid=$!
  wait_for listening 7000
  maps $pid
  echo_clients 100 7000
  finish $pid

  # One worker for each processor; they get the connections in turn.
  "$guide/multi-echo-server" 2>log &
  pid=$!
  wait_for listening 7000
  workers=$(sed -n 's/^Started worker //p' log)
  wait_for maps $pid $workers
  echo_clients 100 7000
  [ "$(wc -w <<<"$workers")" = "$(grep -c '^processor' /proc/cpuinfo)" ]
  for worker in $workers; do
    grep -c "^Worker $worker: Accepted fd" log
  done | sort -n | awk 'NR == 1 { least = $1 }
    { sum += $1 } END { print sum, "accepted, in equal parts:", $1 - least <= 1 }'
  finish $pid
  wait_for eval '! kill -0 '"${workers//$'\n'/ }" # they end with it

  "$guide/cgi" 2>log &
  pid=$!
  wait_for listening 7000
  maps $pid
  cat </dev/tcp/127.0.0.1/7000
  wait_for grep Process log
  cat log
  finish $pid
}

# private COMMAND...: runs it as root of its own network and mount namespaces.
private() {
  local user=
  [ "$(id -u)" = 0 ] || user=--map-root-user
  export -f inside_dns inside_udp-dhcp checked
  export guide
  unshare $user --net --mount bash -euc "ip link set lo up; $*"
}

# The name is in /etc/hosts, and the server only sends a greeting.
inside_dns() {
  echo "127.0.0.1 irc.libera.chat" >hosts
  mount --bind hosts /etc/hosts
  mkfifo ready
  python3 - <<'PYTHON' &
import socket

server = socket.create_server(("127.0.0.1", 6667))
open("ready", "w").close()
server.accept()[0].sendall(b"NOTICE * :hello\n")
PYTHON
  cat ready
  checked "$guide/dns"
}
demo_dns() {
  private inside_dns
  # Without a network there is no reply.
  private 'checked "$guide/dns"'
}

# The broadcast finds a server, on loopback.
inside_udp-dhcp() {
  ip address add 10.0.0.1/24 dev lo
  ip route add broadcast 255.255.255.255 dev lo
  mkfifo ready
  python3 - <<'PYTHON' &
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 67))
open("ready", "w").close()
message, _ = server.recvfrom(1000)
print("discover", len(message), message[236:249].hex())
offer = bytearray(message)
offer[16:20] = bytes([10, 0, 0, 7])
server.sendto(offer, ("10.0.0.1", 68))
PYTHON
  cat ready
  checked "$guide/udp-dhcp"
  wait
}
demo_udp-dhcp() { private inside_udp-dhcp; }

demo_uvwget() {
  local pid i
  mkdir site
  for i in 1 2 3; do seq $((i * 30000)) >site/$i; done
  python3 -m http.server -b 127.0.0.1 -d site 8080 >/dev/null 2>&1 &
  pid=$!
  wait_for listening 8080
  checked "$guide/uvwget" http://127.0.0.1:8080/{1,2,3} 2>&1 | sort
  finish $pid
  sha256sum [0-9]*.download
}

# ---- All of them, at the same time because some take half a minute ----

run() {
  local name names=() pids=() i
  for name in $(compgen -A function demo_); do
    names+=("${name#demo_}")
    mkdir "${name#demo_}"
    (
      cd "${name#demo_}"
      $name
    ) >"${name#demo_}.output" 2>&1 &
    pids+=($!)
  done
  for i in "${!pids[@]}"; do
    if ! wait "${pids[i]}"; then
      echo "${names[i]} failed:" >&2
      cat "${names[i]}.output" >&2
      return 1
    fi
    echo "== ${names[i]}"
    cat "${names[i]}.output"
  done
}
