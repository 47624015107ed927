title="pyuv"
packages=(python3-venv python3-dev gcc)
other=reference # pyuv is built against our header

pyuv=$WORK/pyuv
python=$pyuv/venv/bin/python

# Builds the source package without its libuv. pyuv 1.4.0 uses two names that
# Python 3.11 has no more, and its tests a name that is a keyword since 3.7.
setup() {
  python3 -c 'import sys; sys.exit(sys.version_info >= (3, 12))' ||
    unavailable "pyuv 1.4.0 cannot be built for Python 3.12 or newer"
  [ ! "$pyuv/built" -nt include/uv.h ] || return 0
  rm -rf "$pyuv"/{venv,source}
  python3 -m venv "$pyuv/venv"
  "$python" -m pip install -q setuptools==80.9.0 wheel==0.45.1
  "$python" -m pip download -q --no-deps --no-build-isolation --no-binary pyuv \
    -d "$pyuv" pyuv==1.4.0
  mkdir "$pyuv/source"
  tar -xf "$pyuv/pyuv-1.4.0.tar.gz" -C "$pyuv/source" --strip-components=1 \
    --exclude='*/deps/libuv/*'
  sed -i 's/Py_REFCNT(self) = refcnt/Py_SET_REFCNT(self, refcnt)/' "$pyuv/source/src/handle.c"
  sed -i 's/PyUnicode_EncodeUTF8(.*, "sur/PyUnicode_AsEncodedString(unicode, "utf-8", "sur/' \
    "$pyuv/source/src/common.c"
  sed -i 's/\basync\b/async_/g' "$pyuv"/source/tests/*.py
  (cd "$pyuv/source" && CFLAGS="-O1 -w -I$TOP/include" LDFLAGS="-L$TOP/target/release" \
    "$python" setup.py -q build_ext --use-system-libuv --inplace)
  touch "$pyuv/built"
}

version() {
  echo 1.4.0
}

run() {
  local test modules skip=()
  cp -r "$pyuv/source" source
  cd source/tests
  PYTHONPATH=.. "$python" -c "import os, pyuv, subprocess
subprocess.check_call([os.environ['MAPS'], str(os.getpid())])"
  # `os.stat_float_times` went with Python 3.7. Skipped are tests that need a terminal, a
  # broadcast or multicast route or a directory that everybody can enter, and two that close
  # the pipe which their child writes to, and so fail now and then on both libraries.
  echo 'import os; os.stat_float_times = lambda *_: None' >sitecustomize.py
  for test in tty1 broadcast_pingpong udp_multicast udp_multicast_loop \
    process_uid_gid process_uid_fail process_args process_stdout; do
    skip+=(--skip "test_$test")
  done
  modules=(test_*.py)
  PYTHONPATH=. "$python" "$TOP/dependents/suite.py" "${skip[@]}" "${modules[@]%.py}"
}
