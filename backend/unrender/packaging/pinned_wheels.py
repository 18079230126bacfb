# SPDX-License-Identifier: Apache-2.0
"""The libraries that travel with the add-on: exactly these files, known by their SHA-256.

To move to another version: `pip download` its wheels for every Python and platform below, and write down what
`sha256sum` says. Python 3.10 is Blender 3.4 to 4.0, 3.11 is 4.1 to 5.0, 3.13 is 5.1 and newer; `abi3` of 3.12 serves
3.13. numpy is never among them: Blender has its own, and all its extensions share one.
"""

from types import MappingProxyType
from typing import Final

PINNED_WHEELS: Final = MappingProxyType(
    {
        "msgpack-1.2.4-cp310-cp310-macosx_10_9_x86_64.whl": (
            "2a4e141a9c91d1502cf98f9ca9f87af222c7857e2bfa49c1d81343157c38a28e"
        ),
        "msgpack-1.2.4-cp310-cp310-macosx_11_0_arm64.whl": (
            "0626ea840cce866237c4da08439e9faa9cf79e6e4c62358978ee055961e8cff2"
        ),
        "msgpack-1.2.4-cp310-cp310-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": (
            "85b79ed643cfde70672152b3d1aee438ca647c5d2ffb7dba7226689ee9f6f44b"
        ),
        "msgpack-1.2.4-cp310-cp310-win_amd64.whl": "d626fcacecaf3a5bfcd57e35709ce59a56a39cd4a3cd201d1b43c00d20bcbcda",
        "msgpack-1.2.4-cp311-cp311-macosx_10_9_x86_64.whl": (
            "1095b1ebcc8c9d3e70c51240b7160d8e9da66044e0a45c3ef8403d3a9ef0c5ad"
        ),
        "msgpack-1.2.4-cp311-cp311-macosx_11_0_arm64.whl": (
            "a4b47ec7422bef149223786a87df80067ac65bfc7c0565e5cf1dfbdc40acee50"
        ),
        "msgpack-1.2.4-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": (
            "a45ceb5f199d5e388f28b550ba881096a3740d4bda10e661d77f59d9a2e8187a"
        ),
        "msgpack-1.2.4-cp311-cp311-win_amd64.whl": "9db832747bd05834530189e564a3fe31e2617547dc1f3a005f835eafc2b8e048",
        "msgpack-1.2.4-cp313-cp313-macosx_10_13_x86_64.whl": (
            "fb811ac3d463a75013b234d2aae56b9f0bdb0105caf4dd2ee65305b6a8a6078d"
        ),
        "msgpack-1.2.4-cp313-cp313-macosx_11_0_arm64.whl": (
            "36258fd0909e1bf26e94604439108846432abe4ffa9a23c9dc2f6f1c60f94b60"
        ),
        "msgpack-1.2.4-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": (
            "7fabd415c41e62006c6641fcdf5b3e866f581c4e11c58328c0d0f69584b9577d"
        ),
        "msgpack-1.2.4-cp313-cp313-win_amd64.whl": "318d4e634d2b320be10decd9968ad1ae0be1d80cba23b5528c37b429eeb0e3e0",
        "pyzmq-27.3.0-cp310-cp310-macosx_10_15_universal2.whl": (
            "de47ad29f7fed1a466e0ef34b13ca307cf24aba77c0a21c87e6cae649ad29669"
        ),
        "pyzmq-27.3.0-cp310-cp310-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl": (
            "e84d88c42ac2ea32314aaa9ef879da16c372ebfb8ad6f2ce1953d88538b44831"
        ),
        "pyzmq-27.3.0-cp310-cp310-win_amd64.whl": "d968d0c2bd7a35c73d62b32fba05e8c2061a6614870e8ec132a6667bc72f24e9",
        "pyzmq-27.3.0-cp311-cp311-macosx_10_15_universal2.whl": (
            "86fb4408797aabb54a31e147176ae0f2474d99f1715a36a4564089eca9ef9ce8"
        ),
        "pyzmq-27.3.0-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl": (
            "477b8ad30d66fc905c5388351e83b9ac25824b00e82c0d052b72ea6392636dfd"
        ),
        "pyzmq-27.3.0-cp311-cp311-win_amd64.whl": "df98c790f86b6aa2378b4bb94dec7b85b0adb195b880b41e429a4990aed2a8c9",
        "pyzmq-27.3.0-cp312-abi3-macosx_10_15_universal2.whl": (
            "15155fd8f308d3bd47f67a8f6cc809f9db90abbf63c514c384a17622e2cf080f"
        ),
        "pyzmq-27.3.0-cp312-abi3-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl": (
            "858fe25231e0fd8612da142efde019faa5ef63fa150a821a27870e791b38c798"
        ),
        "pyzmq-27.3.0-cp312-abi3-win_amd64.whl": "3ea8e8fa5c097e68fef91d70b150fda96f307758103868018fc4deeb9c214122",
    }
)
