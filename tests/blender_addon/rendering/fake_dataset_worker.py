# SPDX-License-Identifier: Apache-2.0
"""Speaks as a rendering worker does and renders nothing; what it does to an object is said by the object's name."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def say(**words: object) -> None:
    print(json.dumps(words), flush=True)


hello = json.loads(sys.stdin.readline())
print("Blender 9.9")  # a greeting, which is no message
broken = os.environ.get("BROKEN_ENGINES", "").split(",")
if hello["engine"] in broken:
    print("libEGL.so.1: cannot open shared object file", file=sys.stderr, flush=True)
    os.abort()
if hello["device"] == "gpu":
    say(unusable="Cycles finds no GPU device in this computer; expected cpu, or auto.", is_config=False)
    sys.exit(0)
say(ready={"blender": "9.9.9", "device": "cpu", "objects": None})
out = Path(json.loads(sys.stdin.readline())["out"])
for line in sys.stdin:
    task = json.loads(line)
    index, name = task["object"], task["name"]
    say(started=index)
    mark = out / f"seen_{index}"
    first = not mark.exists()
    mark.touch()
    if name == "crash" or (name == "crash once" and first):
        os.abort()
    if name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "hang":
        time.sleep(60)
    if name == "memory":
        print("Error: Out of memory in mesh", file=sys.stderr, flush=True)
        sys.exit(1)
    if name == "disk":
        say(fatal="disk", message="No space left on device")
        time.sleep(60)
    for image in task["images"]:
        if name == "bad":
            say(failed=image, object=index, tag="bad_mesh", message="bad has no faces")
        else:
            say(record={"index": image, "object": index, "pid": os.getpid()})
    say(finished=index)
    if name == "tired":
        sys.exit(0)
