title="raft"
packages=(gcc libc6-dev libraft-dev libuv1-dev)

setup() {
  cc -O1 -g -Wall -o "$WORK/raft/cluster" dependents/raft/cluster.c -lraft -luv
}

version() {
  dpkg-query -W -f '${Version}\n' libraft2
}

# Raft's servers write with direct I/O and AIO where the file system has them.
run() {
  checked "$WORK/raft/cluster" .
  for server in 0 1 2; do
    ls $server | grep -cE '^snapshot-[0-9]+-[0-9]+-[0-9]+$' | sed 's/[1-9]/some/;s/^/snapshots: /'
    ls $server | grep -c '^metadata' | sed 's/^/metadata: /'
  done
}
