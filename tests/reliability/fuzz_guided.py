"""Fuzz one reader with bytes that are led by what code they reach (atheris, which `make fuzz-guided` installs).

Random inputs of `fuzz.py` start from whole files and seldom get past a second condition; these do, but know nothing of
what a file should hold. The checks, seeds and tokens are the same. Ends at the first failure, whose input is kept.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import atheris
import fuzz

with atheris.instrument_imports(include=["stsun", "yaml"]):
    import fuzz_targets as targets
    import seeds

from stsun.errors import StsunError


@dataclass(frozen=True)
class Reader:
    """A reader of bytes.

    Args:
        seeds: What to start from.
        tokens: What to put in.
        check: Gets an input and the folder; returns where it was accepted and is right.
        prepare: Puts into the folder what all inputs share.
    """

    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    check: Callable[[bytes, Path], None]
    prepare: Callable[[Path], object] = lambda folder: None


def check_names(content, folder):
    """Folders of files with the names told, one a line: Landsat and HLS, and Sentinel-2 beside metadata that are right."""
    lines = content.decode("utf-8", "replace").replace("/", "_").replace("\0", "_").splitlines()
    names = [line[:80] for line in lines[:4] if line.strip(".#")]
    xml = targets.product_xml("2A").encode()
    problems = 0
    for check, product in (
        (targets.check_folder, (names, {}, "")),
        (targets.check_safe, ("product", "MTD_MSIL2A.xml", xml, names)),
    ):
        try:
            check(product, folder)
        except StsunError:
            problems += 1
    if problems == 2:
        raise StsunError("neither is a product")


def check_metadata(content, folder):
    targets.check_safe(("product", "MTD_MSIL2A.xml", content, seeds.S2_FILES), folder)


READERS = {
    "yaml": Reader(seeds.YAML, seeds.YAML_TOKENS, targets.check_yaml),
    "card": Reader(
        [json.dumps(targets._CARD).encode()], seeds.JSON_TOKENS, targets.check_card_file, targets.make_checkpoint
    ),
    "stac": Reader([json.dumps(targets.STAC_ITEM).encode()], seeds.JSON_TOKENS, targets.check_stac, targets.make_tiff),
    "safe": Reader([targets.product_xml(level).encode() for level in ("2A", "1C")], seeds.XML_TOKENS, check_metadata),
    "names": Reader(
        ["\n".join(names).encode() for names in (seeds.S2_FILES, seeds.LANDSAT_FILES, seeds.HLS_FILES)],
        (b"_B04", b"_T1_SR_B4.TIF", b"LC08_L2SP_", b"HLS.S30.T", b".v2.0.", b"_10m", b"#", b"\n"), check_names,
    ),
}  # fmt: skip


def main():
    """Run one reader; libFuzzer ends the process, with another code than 0 where there was a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    reader, home = READERS[asked.reader], asked.output / asked.reader
    (home / "corpus").mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(reader.seeds):
        (home / "corpus" / f"seed-{number}").write_bytes(content)
    words = ("".join(f"\\x{byte:02x}" for byte in token) for token in reader.tokens if 0 < len(token) <= 100)
    (home / "tokens").write_text("".join(f'"{word}"\n' for word in words), encoding="ascii")
    folder = Path(tempfile.mkdtemp())
    reader.prepare(folder)
    counts = Counter()

    def each(content):
        outcome, problem = fuzz.outcome_of(reader.check, content, folder, fuzz.LIMIT_S)
        counts[outcome] += 1
        last = counts.total() >= asked.inputs  # after it libFuzzer ends the process at once
        if last or outcome in fuzz.FAILURES or counts.total() % 1000 == 0:
            told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in fuzz.OUTCOMES)
            sys.stdout.write(f"{asked.reader}: {counts.total()} inputs: {told}\n")
            sys.stdout.flush()
        if outcome in fuzz.FAILURES:
            raise AssertionError(outcome) from problem

    limits = [f"-runs={asked.inputs}", "-timeout=0", f"-rss_limit_mb={fuzz.MEMORY >> 20}", "-max_len=8192"]
    how = ["-len_control=0", "-verbosity=0", f"-dict={home / 'tokens'}", f"-artifact_prefix={home}/failure-"]
    atheris.Setup([sys.argv[0], *limits, *how, str(home / "corpus")], each)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
