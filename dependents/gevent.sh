title="gevent's libuv loop"
packages=(python3-venv python3-dev gcc)
other=reference # gevent 26 needs a newer libuv than the system's
long=2400

gevent=$WORK/gevent
python=$gevent/venv/bin/python

# Builds the source package without its libuv.
setup() {
  [ ! "$gevent/built" -nt include/uv.h ] || return 0
  rm -rf "$gevent"/{venv,source}
  python3 -m venv "$gevent/venv"
  "$python" -m pip install -q setuptools==65.5.0 wheel==0.48.0 Cython==3.3.1 \
    cffi==2.1.1 greenlet==3.5.6 zope.event==6.2 zope.interface==8.7 psutil==7.2.2
  "$python" -m pip download -q --no-deps --no-build-isolation --no-binary gevent \
    -d "$gevent" gevent==26.9.0
  mkdir "$gevent/source"
  tar -xf "$gevent/gevent-26.9.0.tar.gz" -C "$gevent/source" --strip-components=1 \
    --exclude='*/deps/libuv/*'
  GEVENTSETUP_EMBED_LIBUV=0 CFLAGS="-O1 -w -I$TOP/include" LDFLAGS="-L$TOP/target/release" \
    "$python" -m pip install -q --no-deps --no-build-isolation "$gevent/source"
  touch "$gevent/built"
}

version() {
  echo 26.9.0
}

run() {
  local modules
  export GEVENT_LOOP=libuv GEVENT_RESOLVER=thread PYTHONDONTWRITEBYTECODE=1
  "$python" -c "import gevent, os, subprocess
assert type(gevent.get_hub().loop).__module__ == 'gevent.libuv.loop'
subprocess.check_call([os.environ['MAPS'], str(os.getpid())])"
  modules=$("$python" -c "import gevent.tests, pathlib
for path in sorted(pathlib.Path(gevent.tests.__file__).parent.glob('test_*.py')):
    print('gevent.tests.' + path.stem)")
  "$python" "$TOP/dependents/suite.py" --jobs 3 --timeout 100 $modules
}
