"""How cnnpy's speed depends on threads, batch and image size."""

import statistics

import machine
from nets import NETS
from processes import Worker

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SIZES = (24, 32, 48, 64, 96, 128, 192, 256)
BATCH_NET, SIZE_NET = "mnist", "cats-150"


def _seconds(worker, rounds, **build):
    """{task: seconds of a step}"""
    worker.order(**build)
    result = {}
    for task in ("train", "predict"):
        worker.order(run=task, times=0, warmup=2)
        result[task] = statistics.median(min(worker.order(run=task, times=3)["times"]) for _ in range(rounds))
    return result


def efficiency(nets, rounds):
    """{net: {task: share of twice the speed of one thread that two threads reach}}, in turn."""
    result = {}
    for net in nets:
        workers = {threads: Worker("cnnpy", threads) for threads in (1, 2)}
        times = {(task, threads): [] for task in ("train", "predict") for threads in workers}
        for worker in workers.values():
            worker.order(build=net)
        for task in ("train", "predict"):
            for worker in workers.values():
                worker.order(run=task, times=0, warmup=2)
            for _ in range(rounds):
                for threads, worker in workers.items():
                    times[task, threads].append(min(worker.order(run=task, times=3)["times"]))
        for worker in workers.values():
            worker.close()
        middle = {key: statistics.median(values) for key, values in times.items()}
        result[net] = {task: middle[task, 1] / middle[task, 2] / 2 for task in ("train", "predict")}
        print(
            f"{net:18}" + "".join(f"  {task} {100 * share:4.0f} %" for task, share in result[net].items()), flush=True
        )
    return result


def _throughput(title, net, values, key, threads, rounds, worth):
    """{task: [images, or pixels, per second for each of VALUES]}, WORTH(value) being what a step of it does."""
    worker, result = Worker("cnnpy", threads), {"train": [], "predict": []}
    for value in values:
        seconds = _seconds(worker, rounds, build=net, **{key: value})
        for task in result:
            result[task].append(worth(value) / seconds[task])
        print(f"{title} {value:4}" + "".join(f"  {task} {result[task][-1]:12,.0f}" for task in result), flush=True)
    worker.close()
    return result


def measure(options):
    results = {"machine": machine.describe(), "threads": options.threads}
    rounds = 1 if options.quick else min(options.rounds, 5)
    print("\nefficiency of two threads against one")
    results["efficiency"] = efficiency(options.nets, rounds)
    print(f"\nimages per second by batch size, {NETS[BATCH_NET].title}")
    batches = BATCHES[:2] if options.quick else BATCHES
    results["batches"] = {"values": batches} | _throughput(
        "batch", BATCH_NET, batches, "batch", options.threads, rounds, lambda batch: batch
    )
    print(f"\npixels per second by image size, {NETS[SIZE_NET].title}")
    sizes = SIZES[:2] if options.quick else SIZES
    results["sizes"] = {"values": sizes} | _throughput(
        "size", SIZE_NET, sizes, "size", options.threads, rounds, lambda size: size * size * NETS[SIZE_NET].batch
    )
    return results
