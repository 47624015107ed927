#!/bin/bash
# Runs tests on the library that reports misuse; a report is a failure:
#   scripts/check.sh c-tests [option of oxuv-tests ...]
#   scripts/check.sh conformance [option of conformance/run.py ...]
# Those in c-tests/misuse/exceptions.txt, which misuse the library on purpose, are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

library=target/lib/check
export OXUV_CHECK=1
case ${1-} in
  c-tests)
    shift
    exceptions=$(sed -nE 's/^([a-z]\S*) .*/\1/p' c-tests/misuse/exceptions.txt)
    names=$(c-tests/run.sh $library/ --list | grep -vxF "$exceptions")
    # shellcheck disable=SC2086
    c-tests/run.sh $library/ "$@" $names
    ;;
  conformance)
    shift
    conformance/run.py --library $library/libuv.so.1 "$@"
    ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
