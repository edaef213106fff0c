"""The program that serves a GGUF model on loopback; it ends when its stdin closes.

Run as `python -P local_server.py MODEL THREADS CONTEXT`. The first line on stdout is JSON:
`{"url": ...}`, or `{"error": ...}`. Whatever llama.cpp prints goes elsewhere. It imports nothing
of labelkit, so that it runs by its path.
"""

import json
import os
import sys


def serve(model: str, threads: int, context: int) -> None:
    """Serve one model until stdin closes (which it does when the parent dies, however)."""
    told = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # llama.cpp prints from C++, below sys.stdout

    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = model
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.n_ctx = context
    wanted.n_parallel = 1  # two slots would share the threads, and answers the rounding
    wanted.cpuparams.n_threads = threads
    wanted.cpuparams_batch.n_threads = threads
    wanted.n_gpu_layers = 0
    wanted.fit_params = False
    wanted.warmup = False
    wanted.ui = False
    try:
        server = xllamacpp.Server(wanted)
    except (RuntimeError, ValueError) as error:
        print(json.dumps({"error": str(error)}), file=told, flush=True)
        return
    print(json.dumps({"url": server.listening_address}), file=told, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # nothing to save, and llama.cpp takes its time to say goodbye


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
