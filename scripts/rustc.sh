#!/bin/sh
# Runs rustc for cargo (.cargo/config.toml). Optimised code names sources as in /usr/src/PACKAGE-VERSION, in messages and
# in debug information, so that a build depends neither on its folder nor on the builder's home.
# Cargo's own --config or RUSTFLAGS would need the paths on each command line.
# LLVM inlines less into the library than by default (250), for its size. What is hot is marked #[inline].
case " $* " in
  *" opt-level=3 "*)
    name=/usr/src/$CARGO_PKG_NAME-$CARGO_PKG_VERSION
    # Both, as the first is without symbolic links.
    [ "$CARGO_PKG_NAME" != oxuv ] || set -- "$@" -C llvm-args=-inline-threshold=200
    exec "$@" --remap-path-prefix="$(pwd -P)=$name" --remap-path-prefix="$CARGO_MANIFEST_DIR=$name"
    ;;
esac
exec "$@"
