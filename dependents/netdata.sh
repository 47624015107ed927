title="netdata"
packages=(netdata-core curl python3 libuv1)
long=60 # it starts and stops slowly

version() {
  dpkg-query -W -f '${Version}\n' netdata-core
}

# Starts the agent with a database, asks its API, stops it; twice, so that the second one
# opens the files of the first.
run() {
  local round pid directory=$PWD url=http://127.0.0.1:19999/api/v1
  mkdir cache lib log conf
  cat >conf/netdata.conf <<CONFIG
[global]
  run as user = $(id -un)
[directories]
  config = $directory/conf
  cache = $directory/cache
  lib = $directory/lib
  log = $directory/log
[db]
  mode = dbengine
[web]
  bind to = 127.0.0.1:19999
[plugins]
  apps = no
  ebpf = no
  python.d = no
  perf = no
CONFIG
  for round in 1 2; do
    netdata -D -c conf/netdata.conf >&2 &
    pid=$!
    wait_for curl -sf $url/info
    maps $pid
    # The first values come after a second or two.
    wait_for eval "curl -sf '$url/data?chart=system.cpu&points=1&after=-1' | grep '\[ *[0-9]*, *[0-9]'"
    curl -sf $url/info | python3 -c "import json, sys
print(json.load(sys.stdin)['version'])"
    curl -sf "$url/chart?chart=system.cpu" | python3 -c "import json, sys
chart = json.load(sys.stdin)
print(chart['units'], sorted(chart['dimensions']))"
    kill $pid
    wait $pid
    echo "stopped with status $?"
  done
  ls -A cache/dbengine* | sed 's/-[0-9]*\./-N./g' | sort -u
}
