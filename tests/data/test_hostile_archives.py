"""Samples of strangers in .npz files: nothing is unpacked that is larger than it says, or than a sample can be."""

import io
import zipfile

import numpy as np
import pytest

from stsun.data import archive
from stsun.data.archive import read_archive
from stsun.errors import DataError

WHOLE = {"images": np.zeros((1, 1, 4, 4), np.uint8), "labels": np.zeros((1, 4, 4), np.uint8)}


def packed(path, content, compression=zipfile.ZIP_DEFLATED, **arrays):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, array in {**WHOLE, **arrays}.items():
            held = io.BytesIO()
            np.lib.format.write_array(held, array)
            file.writestr(f"{name}.npy", held.getvalue())
        for name, text in content.items():
            file.writestr(name, text)
    return path


def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def refused(path, message):
    with pytest.raises(DataError, match=message):
        read_archive(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_smaller_than_it_says_is_not_made(tmp_path):
    for shape in ((1, 1, 10**6, 10**6), (2**40, 2**40, 2**40, 2**40)):
        refused(packed(tmp_path / "a.npz", {"images.npy": header(shape)}), "cannot be read: it is damaged")
    refused(packed(tmp_path / "a.npz", {"dates.npy": header((10**12,))}), "cannot be read")


def test_what_unpacks_to_more_than_a_sample_can_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 1_000_000)
    path = packed(tmp_path / "a.npz", {}, images=np.zeros((1, 1, 2000, 2000), np.uint8))
    assert path.stat().st_size < 20_000
    refused(path, "unpacked it has 4000272 bytes, expected at most 1000000")


def test_what_nobody_asks_for_is_never_unpacked(tmp_path):
    path = packed(tmp_path / "a.npz", {"../../evil.npy": header((10**9, 10**9)), "other.txt": "x"})
    assert read_archive(path).images.shape == (1, 1, 4, 4)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.npz"]


def test_other_ways_of_packing_and_bare_arrays_are_refused(tmp_path):
    refused(packed(tmp_path / "a.npz", {}, zipfile.ZIP_BZIP2), "packed in a way that NumPy does not use")
    (tmp_path / "b.npz").write_bytes(header((10**6, 10**6)))
    refused(tmp_path / "b.npz", "one bare array")
    path = packed(tmp_path / "c.npz", {})
    content = bytearray(path.read_bytes())
    for place in range(len(content) - 4):  # as if the members were encrypted
        if content[place : place + 4] in (b"PK\x01\x02", b"PK\x03\x04"):
            content[place + (8 if content[place + 2] == 1 else 6)] |= 1
    path.write_bytes(content)
    refused(path, "cannot be read")
