#!/bin/bash
# Runs all tests. Prints the names of skipped and failed tests, and then a line
# with the sums of the runners' counts. The output of each step is in build/log/.
#   scripts/test.sh [--all]
# --all adds steps that need many Debian packages: the programs in dependents/, and
# our packages on a new Debian and built a second time.
set -euo pipefail
cd "$(dirname "$0")/.."

everything=${1-}
passed=0 failed=0 skipped=0 failures=() skips=()
mkdir -p build/log
jobs=$(nproc)

count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# step NAME COMMAND...: runs and logs a command; sets $status. The output shown
# omits CTest's line for each passed test.
step() {
  echo "== $1"
  status=0
  "${@:2}" 2>&1 | tee "build/log/$1.log" |
    sed -uE '/^ +Start +[0-9]+: /d; / Passed +[0-9.]+ sec *$/d' || status=$?
}

# The status must agree with the counts, or a runner ended before counting.
check_status() {
  if [ $status != 0 ] && [ "$2" = 0 ]; then
    failures+=("$1 ended with status $status")
    count 0 1 0
  fi
}

# remember LIST NAME FILE: adds each line of FILE, with the step's NAME, to
# failures or skips.
remember() {
  local -n list=$1
  local line
  [ -e "$3" ] || return 0
  while IFS= read -r line; do
    list+=("$2: $line")
  done <"$3"
}

finish() {
  [ ${#skips[@]} = 0 ] || printf 'SKIPPED: %s\n' "${skips[@]}"
  [ ${#failures[@]} = 0 ] || printf 'FAILED: %s\n' "${failures[@]}"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ] && [ $passed -gt 0 ]
}

require() {
  if [ $status != 0 ]; then
    failures+=("$1")
    count 0 1 0
    finish
    exit 1
  fi
}

# Prints sums of the attributes of a JUnit file of CTest or pytest. Writes the names
# of failed tests to $2.failed, of skipped ones to $2.skipped.
junit() {
  python3 - "$1" "$2" <<'PYTHON'
import re
import sys
import xml.etree.ElementTree as tree

root = tree.parse(sys.argv[1]).getroot()
suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
total = failed = skipped = 0
for suite in suites:
    total += int(suite.get("tests", 0))
    failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped += int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
print(total - failed - skipped, failed, skipped)

# Our C tests print the reason after file and line; pytest writes it to an attribute.
def reason(test):
    printed = re.findall(r"test-\S+\.c:\d+: (.*)", test.findtext("system-out", ""))
    return printed[-1] if printed else test.find("skipped").get("message")

with open(sys.argv[2] + ".failed", "w") as names, open(sys.argv[2] + ".skipped", "w") as skips:
    for test in root.iter("testcase"):
        if test.find("failure") is not None or test.find("error") is not None:
            print(test.get("name"), file=names)
        elif test.find("skipped") is not None:
            print(test.get("name"), reason(test), sep=": ", file=skips)
PYTHON
}

junit_step() {
  local name=$1 file=$2 counts
  shift 2
  rm -f "$file"
  step "$name" "$@"
  counts=$(junit "$file" "build/log/$name" || echo 0 0 0)
  count $counts
  remember failures "$name" "build/log/$name.failed"
  remember skips "$name" "build/log/$name.skipped"
  set -- $counts
  check_status "$name" "$2"
}

# Runs a step that prints failures in lines with FAILED, skips in lines that begin
# with "SKIPPED: ", and its counts in the last line.
counted_step() {
  local name=$1 counts
  shift
  step "$name" "$@"
  counts=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' \
    "build/log/$name.log")
  set -- ${counts:-0 0 0}
  count "$@"
  remember failures "$name" <(grep FAILED "build/log/$name.log")
  remember skips "$name" <(sed -n 's/^SKIPPED: //p' "build/log/$name.log")
  check_status "$name" "$2"
}

step build make --no-print-directory build/cmake build/venv/bin/pytest
require build

# C tests on both libraries, consumer projects, installation.
junit_step ctest "$PWD/build/log/ctest.xml" \
  ctest --test-dir build/cmake -j "$jobs" --output-on-failure \
  --output-junit "$PWD/build/log/ctest.xml"

# Programs with mistakes, and our C tests, on the library that reports misuse.
counted_step misuse c-tests/misuse/run.py
counted_step check scripts/check.sh c-tests --quiet --jobs "$jobs"

# Orders that are drawn from a seed, and the races that they find.
counted_step shuffle c-tests/shuffle/run.py

# Exports of the libraries, and libuv's own tests on both.
counted_step symbols conformance/symbols.sh
counted_step size scripts/size.sh
counted_step conformance conformance/run.py

# Programs that once differed, and random ones, drawn from the commit's hash.
counted_step fuzz-rules conformance/fuzz/test_rules.py
counted_step fuzz conformance/fuzz/run.py

# What the library is made of.
counted_step supply-chain scripts/supply-chain.sh

step cargo-test cargo test --locked --workspace --no-fail-fast
counts=$(awk '/^test result:/ { p += $4; f += $6; s += $8 }
              /^SKIPPED: / { p--; s++ }
              END { print p + 0, f + 0, s + 0 }' build/log/cargo-test.log)
count $counts
remember failures cargo-test <(grep '^test .*FAILED$' build/log/cargo-test.log)
remember skips cargo-test <(sed -nE 's/^test (.*) \.\.\. ignored/\1/p; s/^SKIPPED: //p' build/log/cargo-test.log)
set -- $counts
check_status cargo-test "$2"

# The part with C tests is drawn from the commit's hash.
counted_step torture-drivers torture/run.py --drivers
counted_step torture torture/run.py --slice 45
counted_step sandboxes torture/sandboxes.sh

# Checks for undefined behaviour if there is a nightly toolchain with Miri; two minutes.
counted_step miri scripts/miri.sh

for library in reference lib; do
  junit_step "pytest-$library" "build/log/pytest-$library.xml" \
    env OXUV_LIBRARY="$PWD/target/$library/libuv.so.1" \
    build/venv/bin/pytest -q bindings/python \
    --junit-xml="build/log/pytest-$library.xml"
done

if [ "$everything" = --all ]; then
  counted_step dependents dependents/run.sh
  counted_step questions dependents/questions/run.py
  counted_step deb make --no-print-directory deb-test
  counted_step packages scripts/package-test.sh
fi

finish
