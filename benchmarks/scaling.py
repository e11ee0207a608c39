"""How cnnpy's speed depends on threads, batch and image size."""

import contextlib
import statistics

import machine
from nets import NETS
from processes import Failed, Worker

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


def _efficiency(net, rounds, settings):
    """{task: share of twice the speed of one thread that two threads reach}, in turn."""
    times = {}
    with contextlib.ExitStack() as stack:
        workers = {threads: stack.enter_context(Worker("cnnpy", threads, **settings)) for threads in (1, 2)}
        for worker in workers.values():
            worker.order(build=net)
        for task in ("train", "predict"):
            for worker in workers.values():
                worker.order(run=task, times=0, warmup=2)
            for _ in range(rounds):
                for threads, worker in workers.items():
                    times.setdefault((task, threads), []).append(min(worker.order(run=task, times=3)["times"]))
    middle = {key: statistics.median(values) for key, values in times.items()}
    return {task: middle[task, 1] / middle[task, 2] / 2 for task in ("train", "predict")}


def efficiency(nets, rounds, settings):
    """{net: {task: share}} of those nets that can be measured."""
    result = {}
    for net in nets:
        try:
            result[net] = _efficiency(net, rounds, settings)
        except Failed as error:
            print(f"left out of {net}: {error}", flush=True)
            continue
        shares = "".join(f"  {task} {100 * share:4.0f} %" for task, share in result[net].items())
        print(f"{net:18}{shares}", flush=True)
    return result


def _throughput(title, net, values, key, worth, rounds, settings):
    """{"values": VALUES, task: [images, or pixels, per second for each]}, WORTH(value) being what a step of it does;
    only as far as they can be measured."""
    result = {"values": [], "train": [], "predict": []}
    try:
        with Worker("cnnpy", **settings) as worker:
            for value in values:
                rates = {
                    task: worth(value) / seconds
                    for task, seconds in _seconds(worker, rounds, build=net, **{key: value}).items()
                }
                for name, figure in {"values": value, **rates}.items():
                    result[name].append(figure)
                told = "".join(f"  {task} {rate:12,.0f}" for task, rate in rates.items())
                print(f"{title} {value:4}{told}", flush=True)
    except Failed as error:
        print(f"left out of {title}: {error}", flush=True)
    return result


def measure(options):
    settings = {"level": options.level, "precision": options.precision}
    results = {"machine": machine.describe(), "threads": options.threads, **settings}
    rounds = min(options.rounds, 5)
    print("\nefficiency of two threads against one")
    results["efficiency"] = efficiency(options.nets, rounds, settings)
    settings["threads"] = options.threads
    batches, sizes = (BATCHES[:2], SIZES[:2]) if options.quick else (BATCHES, SIZES)
    print(f"\nimages per second by batch size, {NETS[BATCH_NET].title}")
    results["batches"] = _throughput("batch", BATCH_NET, batches, "batch", lambda n: n, rounds, settings)
    print(f"\npixels per second by image size, {NETS[SIZE_NET].title}")
    images = NETS[SIZE_NET].batch
    results["sizes"] = _throughput("size", SIZE_NET, sizes, "size", lambda n: n * n * images, rounds, settings)
    return results
