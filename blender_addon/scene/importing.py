# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished job to an object in the scene."""

from __future__ import annotations

import bpy

from ..connection.jobs import Job
from ..connection.problems import Problem, mesh_too_dense
from ..connection.remeshing import MeshSettings, ShapeSource
from ..connection.session import Session
from ..connection.shapes import Shape
from .meshes import create_mesh, takes_most_of_a_tick
from .objects import add_shape, select_only
from .provenance import Provenance
from .window import shown_window

NO_RESULT = Problem("no_result", "There is no such result any more.", "Run the job again in the Jobs list.")


class ImportProblem(Exception):
    """A shape that cannot be imported; `problem` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def prepare_mesh(session: Session, job: bytes, index: int, face_limit: int) -> bool:
    """Make the mesh of a large shape, which its import then finds by name; returns whether it was made now.

    Nothing refers to it: an undo before the import takes it away, and the import makes another. Without a user it is
    not saved either.
    """
    shape, name = _shape(session, job, index), _prepared_name(job, index)
    if shape is None or name in bpy.data.meshes or len(shape.faces) > face_limit:
        return False
    if not takes_most_of_a_tick(shape.faces):
        return False
    create_mesh(name, shape.vertices, shape.faces, shape.topology)
    return True


def import_shape(
    context: bpy.types.Context, session: Session, job_key: str, index: int, face_limit: int
) -> bpy.types.Object:
    """Add shape `index` of a job to the scene, select it, and note it in the session.

    Args:
        context: the scene and the view layer of its window are used.
        session: holds the result.
        job_key: the job's id as text.
        index: of the shape; -1 for the first that is not in the scene yet.
        face_limit: larger meshes are refused.

    Raises:
        ImportProblem: the result is gone, or too large.
    """
    job = session.jobs.get(bytes.fromhex(job_key))
    shapes = session.shapes.get(job.id, ()) if job else ()
    wanted = session.first_not_imported(job.id) if job and index < 0 else index
    shape = _shape(session, job.id, wanted) if job else None
    if job is None or shape is None:
        raise ImportProblem(NO_RESULT)
    if len(shape.faces) > face_limit:
        raise ImportProblem(mesh_too_dense(len(shape.faces), face_limit, shape.texture is None))
    model = str(job.result.get("model", job.parameters.get("model", "")))
    provenance = Provenance(
        ShapeSource(
            model, str(job.result.get("model_hash", "")), shape.seed, float(job.parameters.get("variety", 1.0))
        ),
        _settings(job) if shape.texture is None else None,
        job=job.key,
        versions={
            "blender": bpy.app.version_string,
            "generator": session.state.server.package_version if session.state.server else "",
            "method": str(job.result.get("method", "")),
        },
    )
    prepared = bpy.data.meshes.get(_prepared_name(job.id, shape.index))
    added = add_shape(shown_window(context).scene, shape, shapes, provenance, prepared)
    select_only(context, [added])
    session.imported(job.id, shape.index)
    return added


def _settings(job: Job) -> MeshSettings:
    return MeshSettings(
        float(job.parameters.get("threshold", 0.5)),
        float(job.parameters.get("smoothing", 1.0)) if job.parameters.get("smooth", True) else 0.0,
        int(job.parameters.get("resolution", 1)),
    )


def _shape(session: Session, job: bytes, index: int | None) -> Shape | None:
    return next((candidate for candidate in session.shapes.get(job, ()) if candidate.index == index), None)


def _prepared_name(job: bytes, index: int) -> str:
    return f".unrender {job.hex()} {index}"
