"""Builds the extension `cnnpy._core` from csrc/.

Kernel sources (csrc/kernels) are compiled once per processor level with that level's flags; which level runs is chosen
at import, so one build runs on every processor of its architecture. Objects are kept in build/ and compiled again only
when a source or a header they include has changed.

Environment: CNNPY_BLAS=system takes OpenBLAS from pkg-config instead of the wheel scipy-openblas32; CNNPY_CFLAGS and
CNNPY_LDFLAGS add flags (sanitizers, -Werror); CNNPY_OPENMP=0 builds without OpenMP.
"""

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"
KERNELS_COMPILED_ONCE = {"dispatch.c", "gemm.c"}
BASE_FLAGS = [
    "-std=gnu11",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-pass-failed",  # Clang may vectorise a loop or not; GCC has no such warning
    "-fno-math-errno",
    "-fno-trapping-math",
]
LEVEL_FLAGS = {
    "generic": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
}


def levels():
    """Processor levels for the target: x86-64 has three, others the one their base compiler flags give."""
    return list(LEVEL_FLAGS) if platform.machine().lower() in ("x86_64", "amd64") else ["generic"]


def try_compile(compiler, flags, source):
    """True if the compiler accepts SOURCE with FLAGS and links it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.c"
        path.write_text(source)
        command = [*compiler, str(path), "-o", str(path.with_suffix("")), *flags]
        return subprocess.run(command, capture_output=True).returncode == 0


def openmp_flags(compiler):
    """(compile flags, link flags) for OpenMP; empty where the compiler has none."""
    if os.environ.get("CNNPY_OPENMP") == "0":
        return [], []
    probe = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
    for compile_flags, link_flags in (
        (["-fopenmp"], ["-fopenmp"]),
        (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),
    ):
        if try_compile(compiler, [*compile_flags, *link_flags], probe):
            return compile_flags, link_flags
    print("cnnpy: this compiler has no OpenMP; building a serial core")
    return [], []


def blas_flags():
    """(compile flags, link flags) for OpenBLAS."""
    if os.environ.get("CNNPY_BLAS", "wheel") == "system":

        def pkg_config(what):
            return shlex.split(subprocess.check_output(["pkg-config", what, "openblas"], text=True))

        return pkg_config("--cflags"), pkg_config("--libs")
    import scipy_openblas32 as openblas

    origin = "@loader_path" if sys.platform == "darwin" else "$ORIGIN"
    return (
        ["-DBLAS_SYMBOL_PREFIX=scipy_"],
        [
            f"-L{openblas.get_lib_dir()}",
            f"-l{openblas.get_library()}",
            f"-Wl,-rpath,{origin}/../scipy_openblas32/lib",
        ],
    )


def up_to_date(target, dependency_file, command):
    """True if TARGET is newer than all it was made from and was made by the same command."""
    stamp = target.with_suffix(".cmd")
    if not (target.exists() and dependency_file.exists() and stamp.exists()) or stamp.read_text() != command:
        return False
    made = target.stat().st_mtime
    names = dependency_file.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    return all(os.path.exists(name) and os.stat(name).st_mtime <= made for name in names)


class BuildCore(build_ext):
    """Compiles in parallel, per level, and only what changed."""

    def build_extension(self, ext):
        import numpy

        compiler = list(self.compiler.compiler_so)
        omp_compile, omp_link = openmp_flags(compiler)
        blas_compile, blas_link = blas_flags()
        extra = shlex.split(os.environ.get("CNNPY_CFLAGS", ""))
        includes = [CSRC, numpy.get_include(), *self.compiler.include_dirs]
        flags = [*BASE_FLAGS, *omp_compile, *blas_compile, *(f"-I{d}" for d in includes)]
        flags += [f"-DCNN_HAVE_{level.upper()}" for level in levels() if level != "generic"]
        flags += ["-g0", *(["-O0"] if self.debug else []), *extra]

        kernels = sorted(CSRC.glob("kernels/*.c"))
        once = sorted(set(CSRC.glob("*/*.c")) - set(kernels)) + [k for k in kernels if k.name in KERNELS_COMPILED_ONCE]
        jobs = [(source, "", ["-O2"]) for source in once]
        jobs += [
            (source, f".{level}", ["-O3", "-ffp-contract=fast", *LEVEL_FLAGS[level], f"-DCNN_LEVEL={level}"])
            for source in kernels
            if source.name not in KERNELS_COMPILED_ONCE
            for level in levels()
        ]
        folder = Path(self.build_temp).resolve() / "csrc"

        def compile_one(job):
            source, suffix, own = job
            target = folder / source.relative_to(CSRC).with_suffix(suffix + ".o")
            target.parent.mkdir(parents=True, exist_ok=True)
            dependencies = target.with_suffix(".d")
            command = [*compiler, *own, *flags, "-c", str(source), "-o", str(target)]
            line = shlex.join(command)
            if not up_to_date(target, dependencies, line):
                print(source.relative_to(ROOT), suffix.lstrip("."), flush=True)
                subprocess.run([*command, "-MMD", "-MF", str(dependencies)], check=True)
                target.with_suffix(".cmd").write_text(line)
            return str(target)

        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = list(pool.map(compile_one, sorted(jobs, key=lambda job: job[1] == "")))
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"cnnpy: compiling failed: {shlex.join(error.cmd)}") from None
        self.compiler.link_shared_object(
            objects,
            self.get_ext_fullpath(ext.name),
            extra_postargs=[*blas_link, *omp_link, "-lm", *shlex.split(os.environ.get("CNNPY_LDFLAGS", ""))],
            build_temp=self.build_temp,
            target_lang="c",
        )


sources = sorted(str(path.relative_to(ROOT)) for path in CSRC.glob("*/*.c"))
setup(ext_modules=[Extension("cnnpy._core", sources=sources)], cmdclass={"build_ext": BuildCore})
