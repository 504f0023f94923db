"""Run an exported network with onnxruntime and numpy alone: python onnx_numpy.py land.onnx [pixels.npz].

The archive holds ``images`` (dates, bands, height, width; reflectance 0..1 or the band's unit), and may hold ``valid``
(dates, height, width) and ``days`` (dates, since 1970-01-01). Without an archive, noise is mapped. Where the dates'
sensors differ, the file has an input of its own for each date, and this program does not fit.
"""

import json
import sys

import numpy as np
import onnxruntime


def main(path: str, archive: str | None = None) -> None:
    """Print the share of each category in each map."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    categories = json.loads(facts["categories"])
    bands = json.loads(facts["bands"])  # of each date
    print(f"{facts['model']}: {', '.join(band['name'] for band in bands[0])} at {len(bands)} date(s)")

    arrays = dict(np.load(archive, allow_pickle=False)) if archive else noise(len(bands), len(bands[0]))
    images = arrays["images"].astype(np.float32)
    valid = arrays.get("valid", np.isfinite(images).all(axis=1)).astype(bool)
    days = arrays.get("days", np.full(len(images), np.nan)).astype(np.float64)
    (logits,) = session.run(["logits"], {"images": images[None], "valid": valid[None], "days": days[None]})

    for (first, last), scores in zip(json.loads(facts["periods"]), logits[0], strict=True):
        if len(scores) == 1:  # a binary change
            shares = {"changed": (scores[0] > 0).mean()}
        else:
            best = scores.argmax(axis=0)
            shares = {name: (best == index).mean() for index, name in enumerate(categories)}
        told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share)
        print(f"date {first + 1} to {last + 1}: {told or 'nothing changed'}")


def noise(dates: int, bands: int) -> dict[str, np.ndarray]:
    """Return an image of random reflectances."""
    return {"images": np.random.default_rng(0).random((dates, bands, 100, 150))}


if __name__ == "__main__":
    main(*sys.argv[1:])
