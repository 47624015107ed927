#!/bin/bash
# Runs `make demo` and `make test` as a new user does: on a new Debian with make
# but none of the other packages, in a clean clone of the last commit. Needs root.
# The names of the runs are RELEASE-USER-RIGHTS:
#   12, 13            Debian 12 with cargo-web, Debian 13 with cargo
#   root, user        root, or an ordinary user with root's PATH
#   namespaces, none  whether namespaces may be created; if not, root has the
#                     capabilities of a Docker container
# /tmp is a tmpfs. All runs of a release must have the same number of tests: those
# that cannot run are skipped and listed.
#   scripts/fresh-test.sh [PATTERN ...]    such as '13-user-*'; all runs by default
# The logs are in build/fresh, and so are the releases, until `make clean`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/fresh
root=$out/root

# ---- One run, in a mount and process namespace ----

# The capabilities that root has in a Docker container.
docker=-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap
docker+=,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write

# inside USER COMMAND...: runs the command in the clone. The kernel lets no process in a
# chroot make a user namespace; moved over the root of the mount namespace, it is none.
inside() {
  local user=$1 home=/root limits=()
  shift
  local enter=(unshare --mount sh -c 'cd "$0" && mount --move . / && exec chroot . "$@"' "$root")
  if [ "$rights" = none ]; then
    enter=(chroot "$root")
    limits+=(--bounding-set "$docker")
  fi
  if [ "$user" = user ]; then
    home=/home/user
    limits+=(--reuid user --regid user --init-groups)
  fi
  "${enter[@]}" env -i HOME=$home USER=$user "${network[@]}" \
    PATH=/root/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv "${limits[@]}" sh -c 'cd /home/user/oxuv && exec "$@"' sh "$@"
}

# For an ordinary user, root installs the packages that make lists, then make runs again.
make_as() {
  local missing
  inside "$1" make "$2" && return
  missing=$(sed -n 's/^These Debian packages are missing: //p' "$out/$run-$2.log")
  [ "$1" = user ] && [ -n "$missing" ] || return 1
  cp "$out/$run-$2.log" "$out/$run-$2-refused.log"
  chroot "$root" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive chroot "$root" \
    apt-get install -qq -y --no-install-recommends $missing
  inside "$1" make "$2"
}

# run_commands RUN: succeeds if both commands do.
run_commands() {
  local user target
  run=$1
  IFS=- read -r _ user rights <<<"$run"
  # The network settings of this machine's clients.
  mapfile -t network < <(env | grep -iE '^((https?|all|no)_proxy|PIP_CERT|CARGO_HTTP_.*)=')
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmp "$root/tmp"
  for target in demo test; do
    make_as "$user" "$target" >"$out/$run-$target.log" 2>&1 || return 1
  done
}

if [ "${1-}" = --inside ]; then
  run_commands "$2"
  exit
fi

# ---- All runs ----

# Creates build/fresh/RELEASE.tar. Uses this machine's servers, certificates and
# limits on the age of package lists.
make_release() {
  local suite=bookworm
  [ "$1" = 12 ] || suite=trixie
  mkdir -p "$out/etc/apt/apt.conf.d"
  apt-config dump | grep -E '^Acquire::(https?::|Check)' >"$out/etc/apt/apt.conf.d/90fresh" || true
  mmdebstrap --quiet --variant=apt --include=make,passwd,ca-certificates \
    --customize-hook="copy-in /etc/resolv.conf /etc" \
    --customize-hook="sync-in /usr/local/share/ca-certificates /usr/local/share/ca-certificates" \
    --customize-hook="sync-in $out/etc /etc" \
    --customize-hook='printf "127.0.0.1 localhost\n::1 localhost\n" >"$1/etc/hosts"' \
    --customize-hook='chroot "$1" update-ca-certificates' \
    --customize-hook='chroot "$1" useradd --create-home user' \
    $suite "$out/$1.new.tar"
  mv "$out/$1.new.tar" "$out/$1.tar"
}

# Unpacks a release, with the clone in it.
make_root() {
  [ -e "$out/$1.tar" ] || make_release "$1"
  rm -rf --one-file-system "$root"
  mkdir "$root"
  tar -C "$root" --numeric-owner -xf "$out/$1.tar"
  git clone -q --no-hardlinks . "$root/home/user/oxuv"
  [ "$2" = root ] || chroot "$root" chown -R user: /home/user/oxuv
}

# judge RUN STATUS: prints the run's result, and returns whether it is good.
judge() {
  local counts total first
  counts=$(grep -sE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out/$1-test.log" |
    tail -n 1)
  if [ "$2" != 0 ] || [ -z "$counts" ]; then
    echo "FAILED: $1: ${counts:-make $(ls -t "$out" | sed -n "s/^$1-\(.*\)\.log/\1/p;T;q")}"
    return 1
  fi
  grep '^SKIPPED: ' "$out/$1-test.log" || true
  echo "ok: $1: $counts"
  total=$(awk '{ print $1 + $3 + $5 }' <<<"$counts")
  first=${totals[${1%%-*}]:=$total}
  [ "$total" = "$first" ] || echo "FAILED: $1: $total tests, not $first as in the run before"
  [ "$total" = "$first" ]
}

scripts/setup.sh mmdebstrap mount util-linux git
mkdir -p "$out"
passed=0 failed=0
declare -A totals
for run in {12,13}-{root,user}-{namespaces,none}; do
  chosen=$((! $#))
  for pattern in "$@"; do
    [[ $run != $pattern ]] || chosen=1
  done
  [ $chosen = 1 ] || continue
  IFS=- read -r release user _ <<<"$run"
  echo "== $run"
  rm -f "$out/$run"-*.log
  make_root "$release" "$user"
  status=0
  unshare --mount --pid --fork --kill-child "$0" --inside "$run" || status=$?
  rm -rf --one-file-system "$root"
  if judge "$run" $status; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
