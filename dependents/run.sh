#!/bin/bash
# Runs programs that use libuv, unmodified, on oxuv and on another libuv (by
# default the system's), and compares their output.
#   dependents/run.sh [--setup] [name ...]
# --setup only installs the packages. Programs that take minutes or need many
# packages are skipped if no names are given.
#
# dependents/NAME.sh is sourced by this script and defines
#   title, packages   the program's name; the Debian packages to install
#   setup             optional: further preparation, once, before any run
#   version           prints the version of the program
#   run               does the work; its standard output is compared, its
#                     status must be 0
#   long              optional: additional seconds that a run may take; the
#                     program runs only by name
# `run` runs in an empty directory, in a network namespace with only loopback,
# and with LD_LIBRARY_PATH leading to the library. It must call `maps PID` (from
# other languages the program $MAPS) for each program under test while that is
# running, or start it with `checked`.
set -euo pipefail
cd "$(dirname "$0")/.."
export TOP=$PWD
export MAPS=$TOP/dependents/maps
export WORK=$TOP/build/dependents # files of a set-up: $WORK/NAME
export EXAMPLES=$WORK/examples

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# unavailable REASON: ends `setup` of a program that cannot run here.
unavailable() {
  echo "$*" >"$WORK/unavailable"
  exit 75
}

maps() {
  "$MAPS" "$@"
}

# checked PROGRAM...: runs it, and checks its libuv before main().
checked() {
  LD_PRELOAD=check_maps.so "$@"
}

# install PACKAGE...: installs missing Debian packages as root, otherwise names
# them.
install() {
  local package missing=()
  for package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
      grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: ${missing[*]}"
  # One update is enough for all programs.
  [ -e "$WORK/updated" ] || apt-get update -qq
  touch "$WORK/updated"
  # Packages must not start services when they are installed.
  printf '#!/bin/sh\nexit 101\n' >"$WORK/no-services"
  chmod +x "$WORK/no-services"
  local policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || cp "$WORK/no-services" $policy
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
    install -qq -y --no-install-recommends \
    "${missing[@]}" >&2
  ! cmp -s "$WORK/no-services" $policy || rm -f $policy
}

# build_example NAME [ARGUMENT...]: builds examples/NAME.c as $EXAMPLES/NAME, with
# our header.
build_example() {
  mkdir -p "$EXAMPLES"
  cc -O2 -g -Wall -Wextra -Iinclude -o "$EXAMPLES/$1" "examples/$1.c" \
    -Ltarget/lib -l:libuv.so.1 -lpthread "${@:2}"
}

# wait_for COMMAND...: repeats it until it succeeds, for at most 30 seconds.
wait_for() {
  local i
  for ((i = 0; i < 600; i++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.05
  done
  fail "timed out waiting for: $*"
}

load() {
  title=$1 packages=() other=system long=
  setup() { :; }
  version() { echo; }
  source "dependents/$1.sh"
}

# Runs in a separate process, so that any error ends it.
if [ "${1:-}" = --prepare ]; then
  load "$2"
  install gcc libc6-dev "${packages[@]}"
  mkdir -p "$WORK/$2"
  cc -shared -fPIC -o "$WORK/check_maps.so" dependents/check_maps.c
  setup
  exit
fi

# Runs in the network namespace: one run with one library.
if [ "${1:-}" = --inside ]; then
  load "$2"
  [ "$(id -u)" != 0 ] || ip link set lo up
  cd "$3"
  run
  exit
fi

# once NAME LIBRARY DIRECTORY
once() {
  local name=$1 directory=$3 private=()
  rm -rf "$directory"
  mkdir -p "$directory/lib" "$directory/work"
  export LIBUV=$(realpath "$2") MAPPED=$directory/mapped
  ln -s "$LIBUV" "$directory/lib/libuv.so.1"
  # LD_PRELOAD must contain no blank, so it names the file without a path.
  ln -s "$WORK/check_maps.so" "$directory/lib"
  [ "$(id -u)" != 0 ] || private=(unshare --net --pid --fork --kill-child --mount-proc)
  LD_LIBRARY_PATH=$directory/lib timeout -k 10 "${DEPENDENT_TIMEOUT:-$((${long:-0} + 300))}" \
    "${private[@]}" dependents/run.sh --inside "$name" "$directory/work" \
    >"$directory/output" 2>"$directory/errors" </dev/null || return
  [ -s "$directory/output" ] && [ -e "$MAPPED" ]
}

# compare NAME LIBRARY: runs it with that library and with oxuv; sets result, start, middle, end.
compare() {
  result=ok start=$SECONDS
  once "$1" "$2" "$WORK/$1/libuv" || result="FAILED on $2"
  middle=$SECONDS
  if [ "$result" = ok ]; then
    if ! once "$1" target/lib/libuv.so.1 "$WORK/$1/oxuv"; then
      result="FAILED on oxuv"
    elif ! cmp -s "$WORK/$1/libuv/output" "$WORK/$1/oxuv/output"; then
      result="FAILED: different output"
    fi
  fi
  end=$SECONDS
}

names=()
only_setup= all=
for argument; do
  case $argument in
    --setup) only_setup=1 ;;
    *) names+=("$argument") ;;
  esac
done
[ ${#names[@]} -gt 0 ] || all=1
[ ! "$all" ] || for script in dependents/*.sh; do
  name=$(basename "$script" .sh)
  [ "$name" = run ] || names+=("$name")
done

for name in "${names[@]}"; do
  [ -e "dependents/$name.sh" ] || fail "there is no dependents/$name.sh"
done
mkdir -p "$WORK"
rm -f "$WORK/updated"
passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
  load "$name"
  if [ "$all" ] && [ "$long" ]; then
    echo "$name: skipped, it runs only by name: dependents/run.sh $name"
    skipped=$((skipped + 1))
    continue
  fi
  log=$WORK/$name.setup.log status=0
  dependents/run.sh --prepare "$name" >"$log" 2>&1 || status=$?
  if [ $status = 75 ]; then
    echo "$name: skipped, $(cat "$WORK/unavailable")"
    skipped=$((skipped + 1))
    continue
  elif [ $status != 0 ]; then
    echo "$name: FAILED to set up, see $log"
    tail -5 "$log"
    failed=$((failed + 1))
    continue
  fi
  [ ! "$only_setup" ] || continue
  if [ "$other" = reference ]; then
    against=target/reference/libuv.so.1
  else
    against=$(ldconfig -p | awk '/libuv\.so\.1 .*(x86-64|AArch64)/ && !found++ { print $NF }')
  fi
  compare "$name" "$against"
  # These programs have their own time limits, which a busy machine can exceed. A
  # program that fails runs once more, and its line says so.
  if [ "$result" != ok ]; then
    first=$result
    rm -rf "$WORK/$name/first"
    mkdir "$WORK/$name/first"
    mv "$WORK/$name/libuv" "$WORK/$name/first"
    [ ! -e "$WORK/$name/oxuv" ] || mv "$WORK/$name/oxuv" "$WORK/$name/first"
    compare "$name" "$against"
    [ "$result" != ok ] || result="ok at the second attempt, the first: $first"
  fi
  printf '%-16s %-22s %s (%d lines the same, %d s on libuv, %d s on oxuv)\n' "$name" \
    "$(version 2>/dev/null | head -1)" "$result" "$(wc -l <"$WORK/$name/libuv/output")" \
    $((middle - start)) $((end - middle))
  if [[ "$result" = ok* ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    diff "$WORK/$name/libuv/output" "$WORK/$name/oxuv/output" | head -20 || true
    tail -n 5 "$WORK/$name"/*/errors || true
  fi
done
[ ! "$only_setup" ] || exit $((failed > 0))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
