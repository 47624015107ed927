title="uvloop"
packages=(python3-venv python3-dev gcc binutils openssl)
other=reference # uvloop 0.23 needs a newer libuv than the system's

uvloop=$WORK/uvloop
python=$uvloop/venv/bin/python

# Builds the source package without its libuv.
setup() {
  [ ! "$uvloop/built" -nt include/uv.h ] || return 0
  rm -rf "$uvloop"/{venv,source,tests}
  python3 -m venv "$uvloop/venv"
  "$python" -m pip install -q 'setuptools>=77' 'Cython~=3.1' packaging \
    aiohttp==3.13.2 pyee==13.0.1 psutil==7.1.3 pyOpenSSL==26.4.0
  "$python" -m pip download -q --no-deps --no-build-isolation --no-binary uvloop \
    -d "$uvloop" uvloop==0.23.0
  mkdir "$uvloop/source"
  tar -xf "$uvloop/uvloop-0.23.0.tar.gz" -C "$uvloop/source" --strip-components=1 \
    --exclude='*/vendor/*'
  cat >>"$uvloop/source/setup.cfg" <<CONFIG
[build_ext]
use_system_libuv = 1
include_dirs = $TOP/include
library_dirs = $TOP/target/release
CONFIG
  UVLOOP_OPT_CFLAGS=-O1 "$python" -m pip install -q --no-deps --no-build-isolation \
    "$uvloop/source"
  readelf -d "$uvloop"/venv/lib/python*/site-packages/uvloop/loop.*.so | grep libuv.so.1
  mv "$uvloop/source/tests" "$uvloop/tests" # for uvloop/suite.py
  touch "$uvloop/built"
}

version() {
  LD_LIBRARY_PATH=$TOP/target/lib "$python" -c 'import uvloop; print(uvloop.__version__)'
}

run() {
  local name examples=$TOP/bindings/python/examples
  export PYTHONDONTWRITEBYTECODE=1
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost
  for name in loop streams processes datagrams tls web; do
    "$python" "$TOP/dependents/uvloop/$name.py"
  done
  echo "== one program in three styles"
  for name in callback emitter asyncio; do
    OXUV_LIBRARY=$LIBUV PYTHONPATH=$TOP/bindings/python \
      "$python" "$examples/upper_$name.py" | tee "$name"
  done
  cmp callback emitter
  cmp callback asyncio
}
