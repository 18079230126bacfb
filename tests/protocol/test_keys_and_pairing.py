# SPDX-License-Identifier: Apache-2.0
"""Keys on disk, the list of clients, and the line that is copied from server to client."""

from __future__ import annotations

import contextlib
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrender_protocol.errors import KeyFileError, PairingLineError
from unrender_protocol.pairing import (
    AllowList,
    Pairing,
    load_key_pair,
    new_key_pair,
    new_token,
    read_key,
    read_pairing_line,
    write_key,
    write_pairing_line,
)
from unrender_protocol.security import CurveClientSecurity, TokenSecurity

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def pairing() -> Pairing:
    return Pairing("tcp://studio.example:40123", server=new_key_pair().public, keys=new_key_pair())


def test_a_pairing_line_comes_out_as_it_went_in(pairing):
    line = write_pairing_line(pairing)
    assert line.startswith("unrender://studio.example:40123/?server=")
    assert "\n" not in line
    assert read_pairing_line(line) == pairing
    security = read_pairing_line(line).security()
    assert security == CurveClientSecurity(pairing.keys, pairing.server)


def test_a_local_line_brings_a_token():
    pairing = Pairing("tcp://127.0.0.1:40123", token=new_token())
    assert read_pairing_line(write_pairing_line(pairing)) == pairing
    assert pairing.security() == TokenSecurity(pairing.token)


def test_a_line_without_a_key_needs_a_client_with_keys():
    own = new_key_pair()
    pairing = read_pairing_line(write_pairing_line(Pairing("tcp://[::1]:40123", server=new_key_pair().public)))
    assert pairing.address == "tcp://[::1]:40123"
    assert pairing.security(own) == CurveClientSecurity(own, pairing.server)
    with pytest.raises(PairingLineError, match="keys of its own"):
        pairing.security()


def test_spaces_and_line_breaks_of_copying_do_no_harm(pairing):
    line = write_pairing_line(pairing)
    assert read_pairing_line(f"  {line[:30]}\r\n   {line[30:90]}\n{line[90:]} \n") == pairing


def test_a_line_that_was_cut_or_changed_is_refused(pairing):
    line = write_pairing_line(pairing)
    for length in range(len(line)):
        with pytest.raises(PairingLineError):
            read_pairing_line(line[:length])
    for position in range(len(line)):
        changed = line[:position] + ("x" if line[position] != "x" else "y") + line[position + 1 :]
        with pytest.raises(PairingLineError):
            read_pairing_line(changed)


@given(st.text(max_size=200))
def test_any_text_is_refused_with_a_sentence(text):
    for line in (text, "unrender://" + text):
        with pytest.raises(PairingLineError, match="copy"):
            read_pairing_line(line)


@given(st.text(max_size=60))
def test_any_body_with_a_right_checksum_is_a_pairing_or_an_error(body):
    from unrender_protocol.pairing import _check

    body = "".join(f"unrender://{body}".split())
    with contextlib.suppress(PairingLineError):
        assert read_pairing_line(f"{body}&check={_check(body)}").address


def test_secrets_do_not_show_when_printed(pairing):
    shown = repr(pairing) + repr(Pairing("tcp://127.0.0.1:1", token="hush")) + repr(pairing.security())
    assert "hush" not in shown
    assert repr(pairing.keys.secret) not in shown
    assert "secret" not in shown


def test_keys_are_written_as_43_characters():
    key = new_key_pair().public
    assert len(write_key(key)) == 43
    assert read_key(write_key(key)) == key
    for text in ("", "x", write_key(key)[:-1], write_key(key) + "A", "é" * 43, "/" * 43):
        with pytest.raises(KeyFileError, match="43 characters"):
            read_key(text)


def test_a_key_file_is_made_once_and_private(tmp_path):
    path = tmp_path / "keys" / "server.json"
    with pytest.raises(KeyFileError, match="no key file"):
        load_key_pair(path)
    keys = load_key_pair(path, make=True)
    assert load_key_pair(path, make=True) == keys == load_key_pair(path)
    if os.name == "posix":
        assert mode(path) == 0o600
        assert mode(path.parent) == 0o700


@posix
def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "server.json"
    load_key_pair(path, make=True)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key_pair(path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'"text"', b'{"public": 1, "secret": 2}', b"\xff\xfe", b"null"]
)
def test_a_damaged_key_file_is_named(tmp_path, content):
    path = tmp_path / "server.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"server\.json is damaged"):
        load_key_pair(path)


def test_the_allow_list_lets_in_whom_it_names(tmp_path):
    allowed = AllowList(tmp_path / "clients")
    ann, bob = new_key_pair(), allowed.issue("bob's laptop")
    assert not allowed.allows(ann.public)
    assert allowed.allows(bob.public)
    allowed.add(ann.public, "ann\nb")
    assert AllowList(allowed.path).clients == {bob.public: "bob's laptop", ann.public: "ann b"}
    assert allowed.remove(ann.public)
    assert not allowed.remove(ann.public)
    assert not allowed.allows(ann.public)
    if os.name == "posix":
        assert mode(allowed.path) == 0o600


def test_the_allow_list_is_read_again_when_it_changes(tmp_path):
    server, administrator = AllowList(tmp_path / "clients"), AllowList(tmp_path / "clients")
    keys = administrator.issue("new")
    assert server.allows(keys.public)
    administrator.remove(keys.public)
    assert not server.allows(keys.public)
    administrator.issue("other")
    administrator.path.unlink()
    assert server.clients == {}


def test_comments_are_allowed_and_damage_lets_nobody_in(tmp_path):
    path = tmp_path / "clients"
    allowed = AllowList(path)
    keys = allowed.issue("a")
    text = path.read_text()
    path.write_text("# the studio\n\n" + text)
    assert allowed.allows(keys.public)
    path.write_text(text + "not a key\n")
    assert not allowed.allows(keys.public)
    with pytest.raises(KeyFileError):
        AllowList(path)


@posix
def test_an_allow_list_that_others_can_write_lets_nobody_in(tmp_path):
    allowed = AllowList(tmp_path / "clients")
    keys = allowed.issue("a")
    assert allowed.allows(keys.public)
    allowed.path.chmod(0o666)
    assert not allowed.allows(keys.public)
    with pytest.raises(KeyFileError, match="chmod 600"):
        AllowList(allowed.path)
