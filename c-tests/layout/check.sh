#!/bin/sh
# check.sh OUR_INCLUDE_DIR OTHER_INCLUDE_DIR
#
# Compares two sets of libuv headers: layouts, enums and macros (all that layout.c lists), and the
# prototypes of the functions that both declare. Lists functions that only the other declares, which
# is an error with STRICT=1.
set -eu

if [ $# -ne 2 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
ours=$1
other=$2
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for dir in "$ours" "$other"; do
  if [ ! -f "$dir/uv.h" ]; then
    echo "check.sh: no uv.h in $dir" >&2
    exit 2
  fi
done

# hex_version DIR
hex_version() {
  printf '#include "%s/uv/version.h"\nV=UV_VERSION_MAJOR UV_VERSION_MINOR UV_VERSION_PATCH\n' "$1" |
    "$cc" -E -P - | sed -n 's/^V=//p' | awk '{ print $1 * 65536 + $2 * 256 + $3 }'
}

v1=$(hex_version "$ours")
v2=$(hex_version "$other")
version=$v1
[ "$v2" -lt "$version" ] && version=$v2

# list DIR NAME
list() {
  "$cc" -std=c99 -D_GNU_SOURCE -Wall -Wextra -DLAYOUT_VERSION="$version" -I"$1" \
    "$here/layout.c" -o "$tmp/$2"
  "$tmp/$2" > "$tmp/$2.layout"

  # GCC writes the declarations, with the types of the parameters only. Enum names and top-level
  # const do not matter to a caller.
  printf '#include <uv.h>\n' > "$tmp/$2.c"
  "$cc" -std=c99 -D_GNU_SOURCE -I"$1" -aux-info "$tmp/$2.aux" -fsyntax-only "$tmp/$2.c"
  sed -n 's|^/\*[^*]*\*/ extern \(.*[ *]uv_.*\);.*$|\1|p' "$tmp/$2.aux" |
    sed 's/struct \(uv_[a-z0-9_]*\)_s\b/\1_t/g' |
    sed 's/^\(.*[ *]\)\(uv_[a-z0-9_]*\) (/\2: \1(/' | LC_ALL=C sort > "$tmp/$2.functions"
  cut -d: -f1 "$tmp/$2.functions" | LC_ALL=C sort > "$tmp/$2.names"
}

list "$ours" ours
list "$other" other

status=0
if ! diff "$tmp/other.layout" "$tmp/ours.layout"; then
  echo "check.sh: layouts differ (< $other, > $ours)" >&2
  status=1
fi

LC_ALL=C comm -12 "$tmp/ours.names" "$tmp/other.names" > "$tmp/common"
for name in ours other; do
  awk -F: 'NR == FNR { common[$1]; next } $1 in common' \
    "$tmp/common" "$tmp/$name.functions" > "$tmp/$name.common"
done
if ! diff "$tmp/other.common" "$tmp/ours.common"; then
  echo "check.sh: prototypes differ (< $other, > $ours)" >&2
  status=1
fi

LC_ALL=C comm -13 "$tmp/ours.names" "$tmp/other.names" > "$tmp/missing"
if [ -s "$tmp/missing" ]; then
  echo "check.sh: not declared in $ours:" >&2
  tr '\n' ' ' < "$tmp/missing" >&2
  echo >&2
  [ "${STRICT:-0}" = 1 ] && status=1
fi

[ -s "$tmp/common" ] || { echo "check.sh: no common function found" >&2; status=1; }
echo "$(wc -l < "$tmp/ours.layout") layout facts, $(wc -l < "$tmp/common") prototypes compared"
exit $status
