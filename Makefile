# Commands for developers. Cargo and CMake build everything.
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
# The rules below expect cargo's output in target/.
unexport CARGO_TARGET_DIR

all: lib

# The library under the names that programs load, target/lib/libuv.so.1, the one that reports misuse,
# target/lib/check/libuv.so.1, and the program target/tool/oxuv.
lib:
	@scripts/setup.sh cargo
	cargo build --release --locked
	cargo build --profile tool --locked --package oxuv-tools
	cargo build --profile checking --features check --locked
	mkdir -p target/lib/check
	ln -sfn ../../checking/libuv.so target/lib/check/libuv.so.1
	ln -sfn ../release/libuv.so target/lib/libuv.so.1
	ln -sfn libuv.so.1 target/lib/libuv.so

# The reference, libuv 1.53.0: target/reference/libuv.so.1.
reference:
	cargo run -q --locked -p reference uv uv_a

# Generates the C headers and Python's declarations from the Rust types.
header: build/venv/bin/pytest
	OXUV_UPDATE_HEADER=1 cargo build --locked
	build/venv/bin/python bindings/python/generate.py

setup:
	scripts/setup.sh

# The C tests and the installation, configured for the libraries in target/.
build/cmake: lib reference
	cmake -S . -B build/cmake -G Ninja -DOXUV_CARGO_TARGET_DIR="$(CURDIR)/target" \
	  -DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	cmake --build build/cmake

# pytest in a virtual environment.
build/venv/bin/pytest: bindings/python/pyproject.toml
	scripts/setup.sh python3 python3-venv
	python3 -m venv build/venv
	build/venv/bin/pip install -q -e 'bindings/python[dev]'
	touch $@

# ARGS=--all adds `make dependents`, their questions, `make deb-test`, and the packages.
test: setup
	scripts/test.sh $(ARGS)

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --features check -- -D warnings
	scripts/function-length.py

# Runs our C tests and libuv's on our library under memcheck. Errors and leaks are failures.
valgrind: setup lib
	scripts/valgrind.sh c-tests --quiet --jobs $(JOBS)
	scripts/valgrind.sh conformance $(ARGS)

# Runs them on the library that reports misuse. A report is a failure.
check: setup lib reference
	c-tests/misuse/run.py
	scripts/check.sh c-tests --quiet --jobs $(JOBS)
	scripts/check.sh conformance $(ARGS)

# Runs our C tests under shuffled schedules; ARGS="--help" lists the options.
shuffle: setup lib reference
	c-tests/shuffle/run.py
	scripts/shuffle.py $(ARGS)

# Our C tests and libuv's with AddressSanitizer or ThreadSanitizer, in std too.
asan: setup reference
	scripts/sanitize.sh address c-tests --quiet --jobs $(JOBS)
	scripts/sanitize.sh address conformance $(ARGS)

tsan: setup reference
	scripts/sanitize.sh thread c-tests --quiet --jobs $(JOBS)
	scripts/sanitize.sh thread conformance $(ARGS)

# Builds for another target and runs the C tests there: AArch64 under qemu, musl. README.md has the results.
aarch64 musl: setup
	scripts/other-target.sh $@ $(ARGS)

# Runs libuv's own tests on both libraries; ARGS="--help" lists the options.
conformance: setup lib
	conformance/run.py $(ARGS)

# Runs random programs on both libraries and compares; ARGS="--seconds 3600" for longer.
fuzz: setup lib reference
	conformance/fuzz/test_rules.py
	conformance/fuzz/run.py $(ARGS)

# Runs the fuzz targets of functions that read untrusted bytes; ARGS="--seconds 3600 TARGET..." for longer. Needs nightly.
fuzz-targets: build/tools/bin/cargo-fuzz
	scripts/fuzz-targets.sh $(ARGS)

# Runs a mixed load on both libraries for a long time; ARGS="--minutes 60 plain" for one of its variants.
soak: setup lib reference
	scripts/setup.sh libjemalloc2 libtcmalloc-minimal4 util-linux mount
	scripts/soak.sh $(ARGS)

# Runs programs that use libuv on both libraries; ARGS="cmake" selects one.
dependents: dependents-setup lib reference
	dependents/run.sh $(ARGS)

dependents-setup:
	scripts/setup.sh gcc libc6-dev make cmake util-linux iproute2

# Runs drivers and C tests with each allocation and system call of the library failing in turn, which takes
# hours; ARGS="--help" lists the options.
torture: setup lib reference
	torture/run.py $(ARGS)

# Runs the C tests where system calls are refused, as by an old kernel or a sandbox.
sandboxes: setup lib reference
	torture/sandboxes.sh

# Compares the exports of the two libraries.
symbols: lib reference
	conformance/symbols.sh

# Runs the models of the lock-free parts in every interleaving.
loom:
	RUSTFLAGS="--cfg loom" CARGO_PROFILE_RELEASE_LTO=off \
	  cargo test --locked --release --target-dir target/loom --test loom

# Runs the unit tests and tests/miri/ under Miri, if a nightly toolchain has it; ARGS selects tests by name.
miri:
	scripts/miri.sh $(ARGS)

# Checks that Miri reports known faults, put back one at a time; ARGS selects faults by name.
miri-mutations:
	scripts/miri-mutations.py $(ARGS)

DEMOS = first_event tcp_echo

build/demo/%: examples/%.c lib
	mkdir -p $(@D)
	$(CC) -O2 -g -Wall -Wextra -Iinclude -o $@ $< target/lib/libuv.so.1

# Runs the examples in C and in Python.
demo: demo-setup $(DEMOS:%=build/demo/%)
	@for demo in $(DEMOS); do \
	  echo "== examples/$$demo.c"; \
	  LD_LIBRARY_PATH=target/lib build/demo/$$demo || exit 1; \
	done
	@for demo in $(DEMOS); do \
	  echo "== bindings/python/examples/$$demo.py"; \
	  OXUV_LIBRARY="$(CURDIR)/target/lib/libuv.so.1" PYTHONPATH=bindings/python \
	    python3 bindings/python/examples/$$demo.py || exit 1; \
	done

demo-setup:
	scripts/setup.sh gcc libc6-dev python3

# Measures both libraries and C programs without a library; see benches/README.md. `value` keeps the dollar
# signs of regular expressions.
bench: bench-setup lib reference
	benches/run.py $(value ARGS)

# Compares two builds of oxuv: ARGS="--old PATH/libuv.so.1 NAME..." with target/lib.
bench-compare: bench-setup lib reference
	scripts/setup.sh valgrind
	benches/compare.py $(value ARGS)

bench-setup:
	scripts/setup.sh gcc libc6-dev binutils cmake python3

# Measures Node.js and uvloop on both libraries.
bench-programs: bench-setup lib reference
	benches/programs/setup.sh
	benches/programs/run.py $(value ARGS)

# Profiles benchmarks; ARGS="libuv/spawn" selects one.
profile: profile-setup lib reference build/inferno/bin/inferno-flamegraph
	benches/profiles.py $(ARGS)

profile-setup: bench-setup
	scripts/setup.sh linux-perf

build/inferno/bin/inferno-flamegraph:
	cargo install -q --locked --root build/inferno --no-default-features --features cli \
	  --bin inferno-flamegraph inferno@0.12.8

# Writes docs/PERFORMANCE.md and its plots from the last figures.
bench-docs:
	benches/render.py

install:
	scripts/setup.sh gcc libc6-dev make cmake
	cmake -S . -B build/install -DBUILD_TESTING=OFF -DOXUV_TOOLS=ON -DCMAKE_INSTALL_PREFIX="$(PREFIX)" \
	  -DOXUV_CARGO_TARGET_DIR="$(CURDIR)/target"
	cmake --build build/install
	DESTDIR="$(DESTDIR)" cmake --install build/install

# Builds the Python package, which contains the library: build/wheel/*.whl.
wheel: lib build/venv/bin/pytest
	rm -rf build/wheel
	OXUV_WHEEL_LIBRARY="$(CURDIR)/target/lib/libuv.so.1" build/venv/bin/pip wheel -q \
	  --no-build-isolation --no-deps -w build/wheel ./bindings/python
	@ls build/wheel/*

# Builds Debian packages in build/deb: those that replace libuv1 and libuv1-dev, and one with the program oxuv.
deb:
	scripts/setup.sh gcc libc6-dev make cmake debhelper
	rm -rf build/deb
	debian/rules clean
	debian/rules binary
	debian/rules clean

# Installs and removes them on a Debian with Node.js and Neovim. Needs root.
deb-test: deb
	scripts/setup.sh mmdebstrap mount util-linux pkg-config
	scripts/deb-test.sh

# Checks the dependencies, with cargo-deny and its database of advisories if they can be had.
supply-chain: build/tools/bin/cargo-deny
	scripts/supply-chain.sh

# Writes sbom.cdx.json, the list of the library's components in CycloneDX's format.
sbom: build/tools/bin/cargo-cyclonedx
	scripts/supply-chain.sh --write

build/tools/bin/cargo-deny:
	cargo install -q --locked --root build/tools --no-default-features cargo-deny@0.18.3

build/tools/bin/cargo-fuzz:
	cargo install -q --locked --root build/tools cargo-fuzz@0.13.2

build/tools/bin/cargo-cyclonedx:
	cargo install -q --locked --root build/tools cargo-cyclonedx@0.5.9

# Builds them a second time elsewhere and compares; checks that the library in them is hardened.
package-test: deb
	scripts/package-test.sh

# Runs `make demo` and `make test` on new installations of Debian; ARGS="'13-user-*'" selects some of the runs.
fresh-test:
	scripts/fresh-test.sh $(ARGS)

clean:
	rm -rf build target bindings/python/build bindings/python/*.egg-info

.PHONY: all lib header reference setup build/cmake test lint check aarch64 musl shuffle valgrind asan tsan torture sandboxes conformance fuzz \
  fuzz-targets soak \
  dependents dependents-setup symbols loom miri miri-mutations demo demo-setup bench bench-compare bench-setup \
  bench-programs profile profile-setup bench-docs install wheel deb deb-test package-test supply-chain sbom fresh-test clean
