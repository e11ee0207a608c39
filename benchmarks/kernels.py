"""Convolution kernels: milliseconds and GFLOPS of forward, backward-data and backward-weights, next to PyTorch's.

    python benchmarks/kernels.py [--level avx2] [--threads 2] [--repeats 5] [--no-torch] [shape numbers ...]

Each library runs in a process of its own and they take turns, so that neither slows the other and noise hits both.
Times are process CPU time over threads, minima over the repeats; idle threads do not spin (OMP_WAIT_POLICY=passive), so
that what others do on the machine hardly counts. PyTorch gets channels-last tensors.
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


def cnnpy_passes(shape, level, threads):
    """The three passes as functions without arguments."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import cnnpy
    from cnnpy import _core

    _core.set_level(level)
    _core.set_threads(threads)
    x, kernel, dy = (cnnpy.Tensor(a) for a in arrays(shape))
    op = _core.conv2d.bind(strides=(shape[6], shape[6]), padding=shape[7])

    def gradient_of(source):
        with cnnpy.GradientTape(persistent=True) as tape:
            tape.watch(source)
            y = op(x, kernel)
        return lambda: tape.gradient(y, source, output_gradients=dy)

    return {"forward": lambda: op(x, kernel), "data": gradient_of(x), "weights": gradient_of(kernel)}


def torch_passes(shape, level, threads):
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


def worker(library, level, threads):
    """Answers each line {"shape": ..., "pass": ...} with seconds of CPU time per call and thread."""
    make = {"cnnpy": cnnpy_passes, "torch": torch_passes}[library]
    current, passes = None, None
    for line in sys.stdin:
        order = json.loads(line)
        if order["shape"] != current:
            current, passes = order["shape"], make(order["shape"], level, threads)
        run = passes[order["pass"]]
        run()
        start = time.perf_counter()
        run()
        calls = max(1, int(LEAST_SECONDS / (time.perf_counter() - start)))
        start = time.process_time()
        for _ in range(calls):
            run()
        print((time.process_time() - start) / calls / threads, flush=True)


def start(library, arguments):
    command = [sys.executable, __file__, "--worker", library, "--threads", str(arguments.threads)]
    command += ["--level", arguments.level] if arguments.level else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads), "OMP_WAIT_POLICY": "passive"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(process, shape, name):
    process.stdin.write(json.dumps({"shape": shape, "pass": name}) + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def flops(shape):
    n, h, w, c, k, f, s, padding = shape
    oh, ow = ((h - k) // s + 1, (w - k) // s + 1) if padding == "valid" else (-(-h // s), -(-w // s))
    return 2 * n * oh * ow * k * k * c * f


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", type=int, help="numbers of the shapes, from 1; all by default")
    parser.add_argument("--level", help="processor level of cnnpy: generic, avx2 or avx512")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker, arguments.level, arguments.threads)
        return
    libraries = ["cnnpy"]
    if not arguments.no_torch and importlib.util.find_spec("torch"):
        libraries.append("torch")
    processes = {name: start(name, arguments) for name in libraries}
    titles = "".join(f"{name:^24}" for name in PASSES)
    print(f"{'GFLOPS (ms): ' + ' | '.join(libraries):<46}{titles}")
    for number in arguments.shapes or range(1, len(SHAPES) + 1):
        shape = SHAPES[number - 1]
        n, h, w, c, k, f, s, padding = shape
        row = f"{number:>2}: {n},{h},{w},{c} -> {k}x{k} {f}{f' stride {s}' if s > 1 else ''} {padding}"
        cells = []
        for name in PASSES:
            best = dict.fromkeys(libraries, float("inf"))
            for _ in range(arguments.repeats):
                for library in libraries:
                    best[library] = min(best[library], ask(processes[library], shape, name))
            texts = [f"{flops(shape) / t * 1e-9:.0f} ({t * 1e3:.2f})" for t in best.values()]
            cells.append(f"{' | '.join(texts):^24}")
        print(f"{row:<46}{''.join(cells)}", flush=True)
    for process in processes.values():
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    main()
