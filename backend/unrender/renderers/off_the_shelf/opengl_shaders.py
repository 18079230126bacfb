# SPDX-License-Identifier: Apache-2.0
"""The shaders of `opengl_drawing`. GLSL 3.30.

All views of a batch are drawn into tiles of one framebuffer. Each vertex knows its view; clip distances keep what
leaves the frame of one view out of the tiles of its neighbours. The first row of the framebuffer is the top of the
images, so y is turned over, and front faces are clockwise.
"""

MOST_VIEWS = 256  # 16 KiB of uniforms, which every OpenGL has

VERTICES = f"""
#version 330
layout(std140) uniform Rotations {{ mat4 rotations[{MOST_VIEWS}]; }};  // world to camera, of each view
uniform vec2 tiles;          // across and down
uniform float scale;         // half a frame's width, or its tangent, to 1
uniform float camera_distance;
uniform vec2 depth_range;    // factor and offset from depth to clip z
uniform bool perspective;
in vec3 position;
in vec3 outward;
in int view;
NORMAL_QUALIFIER out vec3 normal;
out float depth;

void main() {{
    mat3 rotation = mat3(rotations[view]);
    vec3 point = rotation * position;
    normal = rotation * outward;
    depth = camera_distance - point.z;
    float w = perspective ? depth : 1.0;
    vec2 frame = scale * vec2(point.x, -point.y);
    gl_ClipDistance[0] = w + frame.x;
    gl_ClipDistance[1] = w - frame.x;
    gl_ClipDistance[2] = w + frame.y;
    gl_ClipDistance[3] = w - frame.y;
    vec2 tile = vec2(view % int(tiles.x), view / int(tiles.x));
    gl_Position = vec4((frame + w * (1.0 + 2.0 * tile)) / tiles - w, depth_range.x * depth + depth_range.y, w);
}}
"""

_FACING_NORMAL = """
#version 330
NORMAL_QUALIFIER in vec3 normal;
in float depth;

vec3 facing_normal() {  // unit; a face that is seen from behind shows its other side
    float squared = dot(normal, normal);
    vec3 unit = squared > 1e-12 ? normal * inversesqrt(squared) : vec3(0.0, 0.0, 1.0);
    return gl_FrontFacing ? unit : -unit;
}
"""

LAMBERT = (
    _FACING_NORMAL
    + """
uniform float ambient;
#if LIGHTS > 0
uniform vec4 lights[LIGHTS];  // direction to the light, intensity
#endif
out vec2 shade;  // radiance, coverage

void main() {
    vec3 unit = facing_normal();
    float radiance = ambient;
#if LIGHTS > 0
    for (int i = 0; i < LIGHTS; i++)
        radiance += lights[i].w * max(dot(unit, lights[i].xyz), 0.0);
#endif
    shade = vec2(radiance, 1.0);
}
"""
)

GEOMETRY = (
    _FACING_NORMAL
    + """
out vec4 normal_and_depth;

void main() {
    normal_and_depth = vec4(facing_normal(), depth);
}
"""
)


def with_constants(source: str, lights: int, centroid: bool) -> str:
    """A shader's source for so many lights; centroid: normals are taken inside the part of a pixel that is covered."""
    version, _, rest = source.lstrip().partition("\n")
    qualifier = "centroid" if centroid else "smooth"
    return f"{version}\n#define LIGHTS {lights}\n#define NORMAL_QUALIFIER {qualifier}\n{rest}"
