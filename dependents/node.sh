title="Node.js"
# Dependencies of libnode108. Its own packages are unpacked below, because the
# machine may have another `nodejs` that contains a libuv.
packages=(libuv1 libc-ares2 libnghttp2-14 node-acorn node-cjs-module-lexer node-undici python3 procps)

root=$WORK/node/root
node=$root/usr/bin/node
libnode=$root/usr/lib/$(uname -m)-linux-gnu

setup() {
  unpack_node
}

unpack_node() {
  [ ! -x "$node" ] || return 0
  local version
  version=$(apt-cache show --no-all-versions libnode108 | sed -n 's/^Version: //p')
  rm -rf "$WORK/node/packages"
  mkdir -p "$WORK/node/packages"
  (cd "$WORK/node/packages" && apt-get download "nodejs=$version" "libnode108=$version")
  for package in "$WORK"/node/packages/*.deb; do
    dpkg -x "$package" "$root"
  done
  LD_LIBRARY_PATH=$libnode ldd "$node" | grep libuv.so.1
}

version() {
  LD_LIBRARY_PATH=$libnode "$node" --version
}

# one NAME COMMAND...: runs it in its own directory.
one() {
  echo "== $1"
  mkdir "$1"
  (cd "$1" && "${@:2}")
}

run() {
  local name js=$TOP/dependents/node
  export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$libnode NODE_OPTIONS=--require=$js/maps.js
  ulimit -c 0
  for name in first-event.js order.js timers.mjs loop.mjs files.mjs watch.mjs streams.mjs \
    sockets.mjs http.mjs datagrams.mjs names.mjs pool.mjs threads.mjs children.mjs \
    handles.mjs signals.mjs exit.mjs; do
    one $name "$node" "$js/$name"
  done
  for name in rr none; do
    one cluster-$name env NODE_CLUSTER_SCHED_POLICY=$name "$node" "$js/cluster.mjs"
  done
  one one-thread env UV_THREADPOOL_SIZE=1 "$node" "$js/pool.mjs"
  one terminal python3 "$js/terminal.py" "$node" "$js/terminal.mjs"
}
