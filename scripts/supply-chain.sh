#!/bin/bash
# Checks the dependencies: that sbom.cdx.json lists them, and what deny.toml demands, if there is cargo-deny.
#   scripts/supply-chain.sh           checks
#   scripts/supply-chain.sh --write   writes sbom.cdx.json with cargo-cyclonedx
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/build/tools/bin:$PATH
sbom=sbom.cdx.json

# The crates whose code is in the library, for all systems.
crates() {
  cargo tree --locked --package oxuv --edges normal --target x86_64-unknown-linux-gnu --prefix none --format '{p}' |
    awk '{ print $1 "@" substr($2, 2) }' | sort -u
}

if [ "${1-}" = --write ]; then
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
  SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -1)" +%s) \
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps \
    --target x86_64-unknown-linux-gnu --override-filename sbom
  sed "s|path+file://$PWD#oxuv@|path+file:///usr/src/oxuv-$version#oxuv@|" sbom.json >$sbom
  rm sbom.json reference/sbom.json tools/oxuv/sbom.json
  exit
fi

passed=0 failed=0 skipped=0

ok() { echo "ok: $1"; passed=$((passed + 1)); }
fail() { echo "FAILED: $1"; failed=$((failed + 1)); }
skip() { echo "SKIPPED: $1"; skipped=$((skipped + 1)); }

listed=$(sed -nE 's/^ +"purl": "pkg:cargo\/([^"?]*).*/\1/p' $sbom | sort -u)
if diff <(crates) <(echo "$listed"); then
  ok "$sbom lists the crates of the library"
else
  fail "$sbom is stale (< in the library, > in the file); run \`make sbom\`"
fi

if ! command -v cargo-deny >/dev/null; then
  skip "licences, bans, sources, advisories: there is no cargo-deny; \`make supply-chain\` installs it"
else
  for check in licenses bans sources; do
    if cargo deny --log-level error --workspace check --hide-inclusion-graph $check; then ok "$check"; else fail "$check"; fi
  done
  # The database comes over the network.
  if ! cargo deny --log-level off fetch db 2>/dev/null; then
    skip "advisories: their database cannot be fetched"
  elif cargo deny --log-level error --workspace check advisories; then ok advisories; else fail advisories; fi
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
