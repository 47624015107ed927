#!/bin/bash
# Runs a mixed load on both libraries for a long time, and checks that descriptors, threads and memory stay flat:
#   scripts/soak.sh [--minutes N] [--library NAME=DIRECTORY]... [VARIANT...]
# Variants: plain, for N minutes (10); jemalloc and tcmalloc, with these allocators; no-proc, without /proc;
# tiny-stacks, with threads of 64 KiB; each of these for a fifth of that. Without names, all. The tables are in
# build/soak: a line "second,descriptors,threads,KiB,operations" for each second.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=10 libraries=() variants=()
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    --library) libraries+=("$2"); shift 2 ;;
    plain | jemalloc | tcmalloc | no-proc | tiny-stacks) variants+=("$1"); shift ;;
    *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
  esac
done
[ ${#libraries[@]} -gt 0 ] || libraries=(libuv=target/reference oxuv=target/lib)
[ ${#variants[@]} -gt 0 ] || variants=(plain jemalloc tcmalloc no-proc tiny-stacks)

mkdir -p build/soak
cc -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Iinclude -o build/soak/soak torture/soak.c \
  "${libraries[0]#*=}/libuv.so.1" -lpthread -Wl,-z,lazy

# Prints a sparkline of column $2 of the table $1.
plot() {
  awk -F, -v column="$2" '
    { value[NR] = $column; if ($column > top) top = $column }
    END {
      split("▁ ▂ ▃ ▄ ▅ ▆ ▇ █", bars, " ")
      step = NR / 60 < 1 ? 1 : NR / 60
      for (at = 1; at <= NR; at += step) {
        level = top ? int(8 * value[int(at)] / top + 0.5) : 1
        line = line bars[level < 1 ? 1 : level]
      }
      printf "  %s up to %d\n", line, top
    }' "$1"
}

passed=0 failed=0 skipped=0
soak() {
  local variant=$1 name=${2%%=*} directory command seconds status=0
  directory=$(realpath "${2#*=}")
  seconds=$(awk -v minutes="$minutes" -v part="$([ "$variant" = plain ] && echo 60 || echo 12)" \
    'BEGIN { print int(minutes * part) }')
  local table=build/soak/$variant-$name.csv
  command=(env "LD_LIBRARY_PATH=$directory" build/soak/soak "$seconds" "$table")
  case $variant in
    jemalloc | tcmalloc)
      local allocator=libjemalloc.so.2
      [ "$variant" = jemalloc ] || allocator=libtcmalloc_minimal.so.4
      if ! LD_PRELOAD=$allocator /bin/true 2>&1 | awk 'END { exit NR > 0 }'; then
        echo "SKIPPED: $variant on $name: $allocator is not installed"
        skipped=$((skipped + 1))
        return
      fi
      command=(env "LD_PRELOAD=$allocator" "LD_LIBRARY_PATH=$directory" build/soak/soak "$seconds" "$table") ;;
    no-proc)
      if ! unshare -m true 2>/dev/null; then
        echo "SKIPPED: $variant on $name: needs root"
        skipped=$((skipped + 1))
        return
      fi
      # The directory of the process stays open, and only that.
      command=(unshare -m bash -c 'exec 9</proc/self; umount -l /proc; LD_LIBRARY_PATH=$1 exec "${@:2}" 9' soak \
        "$directory" build/soak/soak "$seconds" "$table") ;;
    tiny-stacks)
      command=(bash -c 'ulimit -s 64; LD_LIBRARY_PATH=$1 exec "${@:2}"' soak "$directory" build/soak/soak "$seconds" \
        "$table") ;;
  esac
  echo "== $variant on $name, $seconds s"
  "${command[@]}" || status=$?
  plot "$table" 2
  plot "$table" 3
  plot "$table" 4
  if [ $status = 0 ]; then
    passed=$((passed + 1))
  else
    echo "FAILED: $variant on $name ended with status $status"
    failed=$((failed + 1))
  fi
}

for variant in "${variants[@]}"; do
  for library in "${libraries[@]}"; do
    soak "$variant" "$library"
  done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
