"""Convolution kernels: GFLOPS of forward, backward-data and backward-weights by algorithm and processor level.

    python benchmarks/kernels.py [--levels avx2 avx512] [--threads 2] [--repeats 5] [--no-torch] [shape numbers ...]

A row a shape and variant: for each pass the GFLOPS of the direct formula, what they are of the processor's peak (which
Winograd's way may exceed, for it multiplies less), and milliseconds. PyTorch, with channels-last tensors, comes last.
Each library runs in a process of its own and they take turns, so that neither slows the other and noise hits both.
Times are process CPU time over threads, minima over the repeats; idle threads do not spin (OMP_WAIT_POLICY=passive), so
that what others do on the machine hardly counts.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# N, H, W, C, kernel size, filters, stride, padding
SHAPES = [
    (128, 26, 26, 32, 3, 64, 1, "valid"),
    (128, 28, 28, 1, 3, 32, 1, "valid"),
    (128, 26, 26, 32, 3, 64, 2, "valid"),
    (30, 28, 28, 128, 3, 128, 1, "same"),
    (30, 28, 28, 128, 3, 64, 1, "same"),
    (40, 150, 150, 3, 3, 32, 1, "valid"),
    (40, 74, 74, 32, 3, 64, 1, "valid"),
    (40, 36, 36, 64, 3, 128, 1, "valid"),
    (64, 39, 39, 16, 4, 32, 1, "valid"),
    (32, 32, 32, 64, 3, 128, 1, "same"),
    (32, 28, 28, 6, 5, 16, 1, "valid"),
    (8, 56, 56, 64, 1, 256, 1, "valid"),
    (8, 14, 14, 256, 3, 256, 1, "same"),
]
PASSES = ("forward", "data", "weights")
LEAST_SECONDS = 0.03  # a sample repeats its pass until it lasts this long


def arrays(shape):
    """(x, kernel, dy) in float32: images NHWC, kernel [KH, KW, C, F]."""
    import numpy as np

    n, h, w, c, k, f, s, padding = shape
    oh, ow = ((h - k) // s + 1, (w - k) // s + 1) if padding == "valid" else (-(-h // s), -(-w // s))
    rng = np.random.default_rng(0)
    sizes = ((n, h, w, c), (k, k, c, f), (n, oh, ow, f))
    return tuple(rng.standard_normal(size, dtype="float32") for size in sizes)


def cnnpy_passes(shape, threads):
    """The three passes as functions without arguments."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import cnnpy
    from cnnpy import _core

    _core.set_threads(threads)
    x, kernel, dy = (cnnpy.Tensor(a) for a in arrays(shape))
    op = _core.conv2d.bind(strides=(shape[6], shape[6]), padding=shape[7])

    def gradient_of(source):
        with cnnpy.GradientTape(persistent=True) as tape:
            tape.watch(source)
            y = op(x, kernel)
        return lambda: tape.gradient(y, source, output_gradients=dy)

    return {"forward": lambda: op(x, kernel), "data": gradient_of(x), "weights": gradient_of(kernel)}


def choose(variant):
    """Makes cnnpy compute as VARIANT, (level, algorithm), says."""
    from cnnpy import _core

    _core.set_level(variant[0])
    _core.set_conv_algorithm(variant[1])


def measure_peak(threads):
    """GFLOPS that all threads reach at the best level where nothing is in the way: the better of a large matrix product
    and of a direct convolution of many channels."""
    import numpy as np

    from cnnpy import _core

    n, shape = 1536, SHAPES[3]
    choose((_core.levels()[-1], "direct"))
    x = _core.Tensor(np.ones((n, n), "float32"))
    convolve = cnnpy_passes(shape, threads)["forward"]
    seconds = (min(timed(run) for _ in range(3)) for run in (lambda: _core.matmul(x, x), convolve))
    return max(work / s for work, s in zip((2 * n**3, flops(shape)), seconds)) * threads * 1e-9


def torch_passes(shape, threads):
    import torch

    torch.set_num_threads(threads)
    x, kernel, dy = arrays(shape)

    def channels_last(array, axes):
        return torch.from_numpy(array).permute(*axes).contiguous(memory_format=torch.channels_last)

    x, dy, kernel = channels_last(x, (0, 3, 1, 2)), channels_last(dy, (0, 3, 1, 2)), channels_last(kernel, (3, 2, 0, 1))
    stride, padding = [shape[6]] * 2, [shape[4] // 2 if shape[7] == "same" else 0] * 2

    def forward():
        with torch.no_grad():
            return torch.nn.functional.conv2d(x, kernel, None, stride, padding)

    def backward(*mask):
        ones = [1, 1]
        return lambda: torch.ops.aten.convolution_backward(
            dy, x, kernel, None, stride, padding, ones, False, [0, 0], 1, [*mask, False]
        )

    return {"forward": forward, "data": backward(True, False), "weights": backward(False, True)}


def timed(run):
    """Seconds of CPU time of a call."""
    run()
    start = time.perf_counter()
    run()
    calls = max(1, int(LEAST_SECONDS / (time.perf_counter() - start)))
    start = time.process_time()
    for _ in range(calls):
        run()
    return (time.process_time() - start) / calls


def worker(library, threads):
    """Answers a line {"shape", "pass", "variant"} with seconds of CPU time per call and thread, "peak" with GFLOPS."""
    make = {"cnnpy": cnnpy_passes, "torch": torch_passes}[library]
    current, passes = None, None
    for line in sys.stdin:
        order = json.loads(line)
        if order == "peak":
            print(measure_peak(threads), flush=True)
            continue
        if order["shape"] != current:
            current, passes = order["shape"], make(order["shape"], threads)
        if order["variant"]:
            choose(order["variant"])
        print(timed(passes[order["pass"]]) / threads, flush=True)


def start(library, arguments):
    command = [sys.executable, __file__, "--worker", library, "--threads", str(arguments.threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads), "OMP_WAIT_POLICY": "passive"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(process, order):
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def variants_of(shape, levels, libraries):
    """[(library, (level, algorithm) or None)] for SHAPE."""
    winograd = 3 <= shape[4] <= 5 and shape[6] == 1
    algorithms = ["direct", "winograd"] if winograd else ["direct"]
    own = [("cnnpy", (level, algorithm)) for level in levels for algorithm in algorithms]
    return own + [("torch", None)] * ("torch" in libraries)


def flops(shape):
    n, h, w, c, k, f, s, padding = shape
    oh, ow = ((h - k) // s + 1, (w - k) // s + 1) if padding == "valid" else (-(-h // s), -(-w // s))
    return 2 * n * oh * ow * k * k * c * f


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", type=int, help="numbers of the shapes, from 1; all by default")
    parser.add_argument(
        "--levels", nargs="+", help="processor levels of cnnpy: generic, avx2, avx512; the best by default"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker, arguments.threads)
        return
    from cnnpy import _core

    levels = arguments.levels or [_core.levels()[-1]]
    libraries = ["cnnpy"]
    if not arguments.no_torch and importlib.util.find_spec("torch"):
        libraries.append("torch")
    processes = {name: start(name, arguments) for name in libraries}
    for number in arguments.shapes or range(1, len(SHAPES) + 1):
        shape = SHAPES[number - 1]
        variants = variants_of(shape, levels, libraries)
        best = {(v, name): float("inf") for v in variants for name in PASSES}
        if number == (arguments.shapes or [1])[0]:
            ask(processes["cnnpy"], {"shape": shape, "pass": "forward", "variant": variants[0][1]})
            peak = ask(processes["cnnpy"], "peak")
            print(f"peak: {peak:.0f} GFLOPS, {arguments.threads} threads")
            print(f"{'GFLOPS (of the peak, ms)':<64}" + "".join(f"{name:<26}" for name in PASSES))
        for _ in range(arguments.repeats):
            for library, variant in variants:
                for name in PASSES:
                    order = {"shape": shape, "pass": name, "variant": variant}
                    best[(library, variant), name] = min(best[(library, variant), name], ask(processes[library], order))
        n, h, w, c, k, f, s, padding = shape
        title = f"{number:>2}: {n},{h},{w},{c} -> {k}x{k} {f}{f' stride {s}' if s > 1 else ''} {padding}"
        for v in variants:
            speeds = [flops(shape) / best[v, name] * 1e-9 for name in PASSES]
            cells = (
                f"{f'{x:.0f} ({100 * x / peak:.0f} %, {1e3 * best[v, name]:.2f})':<26}"
                for x, name in zip(speeds, PASSES)
            )
            print(f"{title:<44}{' '.join(v[1] or (v[0],)):<20}{''.join(cells)}", flush=True)
            title = ""
    for process in processes.values():
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    main()
