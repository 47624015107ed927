#!/bin/bash
# Runs tests on oxuv under valgrind's memcheck; an error or a leak is a failure:
#   scripts/valgrind.sh c-tests [option of oxuv-tests ...]
#   scripts/valgrind.sh conformance [option of conformance/run.py ...]
set -euo pipefail
cd "$(dirname "$0")/.."

memcheck="valgrind --quiet --max-threads=1100 --error-exitcode=99 --leak-check=full"
memcheck+=" --errors-for-leak-kinds=definite,possible"
case ${1-} in
  c-tests)
    shift
    OXUV_TEST_TIMEOUT=${OXUV_TEST_TIMEOUT-600} \
      c-tests/run.sh ours --wrap "$memcheck" "$@"
    ;;
  conformance)
    shift
    # libuv's program runs each test in a child.
    conformance/run.py --tool valgrind \
      --wrap "$memcheck --trace-children=yes --log-file={reports}/%p" "$@"
    ;;
  *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
esac
