# SPDX-License-Identifier: Apache-2.0
"""Whether a render engine works: one of the Blender that is found, or OpenGL without Blender. One image is rendered, in
a process that may die of it.

Run as `python -m unrender.cli.engine_probe ENGINE`; prints one line of JSON. EEVEE and Workbench need a graphics
driver, and a Blender that has none aborts without a word.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from unrender.errors import UnrenderError

ENGINES = ("cycles", "eevee", "workbench", "opengl")
_SECONDS = 90.0
_PIXELS = 32


@dataclass(frozen=True, slots=True)
class EngineReport:
    """`problem` is empty where the engine rendered the probe as it should look.

    blender: which one rendered; device: what OpenGL drew with.
    """

    engine: str
    blender: str = ""
    seconds: float = 0.0
    problem: str = ""
    hint: str = ""
    device: str = ""

    @property
    def works(self) -> bool:
        return not self.problem


def probe_engine(engine: str, seconds: float = _SECONDS) -> EngineReport:
    """Render one image with `engine` in a child process; never raises, never takes much longer than `seconds`."""
    command = [sys.executable, "-m", "unrender.cli.engine_probe", engine]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return EngineReport(engine, problem=f"did not render one small image within {seconds:.0f} s")
    except OSError as error:
        return EngineReport(engine, problem=f"could not be tried ({error})")
    for line in reversed(answer.stdout.decode(errors="replace").splitlines()):
        try:
            return EngineReport(**json.loads(line))
        except (ValueError, TypeError):
            continue  # something that Blender printed
    return EngineReport(engine, problem=f"ended its process (exit code {answer.returncode})")


def render_probe(engine: str) -> EngineReport:
    """Render a box in this process and look at the picture."""
    import torch

    from unrender.geometry.cameras import Cameras
    from unrender.geometry.lighting import IGGAN_LIGHTING
    from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
    from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer
    from unrender.renderers.off_the_shelf.worker_pool import PoolLimits

    box = torch.zeros(1, 1, 16, 16, 16, dtype=torch.bool)
    box[..., 4:12, 4:12, 4:12] = True
    camera = Cameras(torch.zeros(1), torch.zeros(1))
    # One attempt: an engine that takes its Blender down with it would do so again.
    limits = PoolLimits(attempts=1, failed_starts=1)
    begin = time.monotonic()
    renderer: OpenGLRenderer | BlenderRenderer
    try:
        renderer = OpenGLRenderer(_PIXELS) if engine == "opengl" else BlenderRenderer(_PIXELS, 1, engine, limits=limits)
        with renderer:
            image = renderer.submit(box, camera, IGGAN_LIGHTING).result(timeout=_SECONDS)
            blender = device = ""
            if isinstance(renderer, OpenGLRenderer):
                device = renderer.device
            else:
                blender = f"{renderer.pool.blender.kind} {renderer.pool.blender.version}"
    except (UnrenderError, TimeoutError) as error:
        hint = error.hint if isinstance(error, UnrenderError) else ""
        message = error.message if isinstance(error, UnrenderError) else "did not answer in time"
        return EngineReport(engine, problem=message, hint=hint)
    covered = float(image.alpha.mean())
    expected = (8 / 16 / camera.width) ** 2
    problem = "" if abs(covered - expected) < 0.08 else f"covered {covered:.0%} of the picture, expected {expected:.0%}"
    return EngineReport(engine, blender, round(time.monotonic() - begin, 2), problem, device=device)


if __name__ == "__main__":
    print(json.dumps(asdict(render_probe(sys.argv[1]))), flush=True)
