"""Adds the library to a wheel; everything else is in pyproject.toml.

If OXUV_WHEEL_LIBRARY names a libuv.so.1, the wheel contains it and has the tag of the systems that
the library runs on. Otherwise the wheel is pure Python.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

library = os.environ.get("OXUV_WHEEL_LIBRARY")


class BuildPy(build_py):
    def run(self) -> None:
        super().run()
        inside = os.path.join(self.build_lib, "oxuv", "libuv.so.1")
        subprocess.run(["strip", "-o", inside, library], check=True)


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return True  # the wheel depends on the platform


class Wheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        # The library does not use Python; the versions of its symbols give the glibc it needs.
        needed = re.findall(rb"GLIBC_2\.(\d+)", Path(library).read_bytes())
        glibc = max(map(int, needed))
        return "py3", "none", f"manylinux_2_{glibc}_{platform.machine()}"


if library:
    # Outside the sources, because setuptools packs all files of its build directory.
    with tempfile.TemporaryDirectory() as build:
        setup(
            distclass=WithLibrary,
            cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel},
            options={"build": {"build_base": build}, "egg_info": {"egg_base": build}},
        )
else:
    setup()
