#!/bin/bash
# getdns's libraries for libuv, libev and libevent export no function in Debian 12.
#
# libgetdns-dev has a header, a manual page's function and a shared library for each event loop. A program that
# includes <getdns/getdns_ext_libuv.h> compiles, and linking with -lgetdns_ex_uv fails: the one function that the
# library is made for, getdns_extension_set_libuv_loop, is not among its dynamic symbols, nor is any other. The
# same holds for libev and libevent. The main library exports its functions, so one would expect that these do,
# too: the static archives next to them define the functions.
#
# Uses libgetdns10 and libgetdns-dev 1.6.0-3+b1 of Debian 12 (amd64), unpacked into a temporary directory.
# Prints what was seen, and fails if that changes.
set -euo pipefail
version=1.6.0-3+b1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root "libgetdns10=$version" "libgetdns-dev=$version"
for package in *.deb; do dpkg -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu

{
  echo "getdns $version"
  for extension in uv:libuv ev:libev event:libevent; do
    library=libgetdns_ex_${extension%:*} function=getdns_extension_set_${extension#*:}_
    header=root/usr/include/getdns/getdns_ext_${extension#*:}.h
    echo "$library: declared $(grep -c "^$function" "$header")," \
      "in the archive $(nm "$libraries/$library.a" 2>/dev/null | grep -c " T $function")," \
      "exported $(nm -D --defined-only "$libraries/$library.so" | wc -l)"
  done
  echo "libgetdns: exported $(($(nm -D --defined-only "$libraries/libgetdns.so" | wc -l) > 100)) (more than 100)"
} | tee seen

diff seen - <<'EXPECTED'
getdns 1.6.0-3+b1
libgetdns_ex_uv: declared 1, in the archive 1, exported 0
libgetdns_ex_ev: declared 1, in the archive 1, exported 0
libgetdns_ex_event: declared 1, in the archive 1, exported 0
libgetdns: exported 1 (more than 100)
EXPECTED
echo "as expected"
