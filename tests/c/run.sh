#!/usr/bin/env bash
# Builds the C core without Python and runs its tests: run.sh [plain|sanitize|thread] [test ...]
#
#   plain     -O2, with OpenMP
#   sanitize  AddressSanitizer with leak detection and UndefinedBehaviorSanitizer; the allocator then caches nothing
#   thread    ThreadSanitizer, without OpenMP (libgomp's locks are invisible to it): our own threads only
#
# OpenBLAS comes from the wheel scipy-openblas32 of $PYTHON, or from pkg-config if CNNPY_BLAS=system. CC chooses the compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mode=${1:-plain}
shift || true
python=${PYTHON:-python}
export BUILD=${BUILD:-$root/build/c-tests/$mode} OPENMP=${OPENMP--fopenmp}

case $mode in
plain) export CFLAGS="-O2 ${CFLAGS:-}" ;;
sanitize)
    export CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all ${CFLAGS:-}"
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
    ;;
thread)
    export CFLAGS="-O1 -g -fsanitize=thread -Wno-unknown-pragmas ${CFLAGS:-}" OPENMP=
    export TSAN_OPTIONS=halt_on_error=1
    ;;
*)
    echo "usage: $0 [plain|sanitize|thread] [test ...]" >&2
    exit 2
    ;;
esac

if [ "${CNNPY_BLAS:-wheel}" = system ]; then
    BLAS_CFLAGS=$(pkg-config --cflags openblas)
    BLAS_LIBS=$(pkg-config --libs openblas)
else
    folder=$("$python" -c 'import scipy_openblas32 as o; print(o.get_lib_dir())')
    name=$("$python" -c 'import scipy_openblas32 as o; print(o.get_library())')
    BLAS_CFLAGS="-DBLAS_SYMBOL_PREFIX=scipy_"
    BLAS_LIBS="-L$folder -l$name -Wl,-rpath,$folder"
fi
export BLAS_CFLAGS BLAS_LIBS OPENBLAS_NUM_THREADS=1

make -s -j "$(getconf _NPROCESSORS_ONLN)" -f "$here/Makefile"
[ $# -gt 0 ] || set -- $(cd "$here" && ls test_*.c | sed 's/\.c$//')
for test in "$@"; do
    echo "$test"
    "$BUILD/$test"
done
