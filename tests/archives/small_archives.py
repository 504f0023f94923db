"""Products in miniature, in the layouts that ESA, USGS and NASA publish: names, folders, metadata keys, tiny rasters."""

import json

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.archives.stac import open_stac

SAFE = "S2B_MSIL2A_20231217T135659_N0510_R067_T21JUK_20231217T175625"
S2_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
L2A_FILES = {
    10: ("B02", "B03", "B04", "B08"),
    20: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "SCL"),
    60: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "SCL"),
}
LANDSAT = "LC08_L2SP_037034_20201226_20210310_02_T1"


def write_tiff(path, *, value=200, metres=60, dtype="uint16", nodata=None, scale=None, count=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    size = max(1, 120 // metres)
    profile = {"driver": "GTiff", "dtype": dtype, "count": count, "height": size, "width": size, "nodata": nodata}
    with rasterio.open(
        path, "w", crs=CRS.from_epsg(32721), transform=Affine(metres, 0, 300_000, 0, -metres, 7_000_000), **profile
    ) as target:
        target.write(np.full((count, size, size), value, dtype))
        if scale is not None:
            target.scales, target.offsets = (scale[0],) * count, (scale[1],) * count
    return path


def offsets_xml(tag, values):
    entries = "".join(f'<{tag} band_id="{place}">{value}</{tag}>' for place, value in enumerate(values))
    return f"<{tag}_VALUES_LIST>{entries}</{tag}_VALUES_LIST>"


def product_xml(
    level="2A", *, baseline="05.10", quantification="10000", offsets=(-1000,) * 13, start="2023-12-17T13:56:59.024Z"
):
    scale, shift = {
        "2A": ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"), "1C": ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET")
    }[level]  # fmt: skip
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level}.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{start}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{start}</PRODUCT_STOP_TIME>
      <PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL>
      <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
      <Datatake><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME></Datatake>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
      <QUANTIFICATION_VALUES_LIST><{scale} unit="none">{quantification}</{scale}></QUANTIFICATION_VALUES_LIST>
      {offsets_xml(shift, offsets) if offsets else ""}
    </Product_Image_Characteristics>
  </n1:General_Info>
</n1:Level-{level}_User_Product>
"""


def make_l2a(root, *, name=SAFE, xml=None, files=L2A_FILES, suffix="tif"):
    folder = root / f"{name}.SAFE"
    images = folder / "GRANULE" / "L2A_T21JUK_A035414_20231217T140918" / "IMG_DATA"
    for metres, bands in files.items():
        for band in (*bands, "TCI", "AOT"):
            write_tiff(images / f"R{metres}m" / f"T21JUK_20231217T135659_{band}_{metres}m.{suffix}", metres=metres)
    (folder / "MTD_MSIL2A.xml").write_text(xml or product_xml("2A"), encoding="utf-8")
    return folder


def make_l1c(root, *, xml=None):
    folder = root / f"{SAFE.replace('L2A', 'L1C')}.SAFE"
    images = folder / "GRANULE" / "L1C_T21JUK_A035414_20231217T140918" / "IMG_DATA"
    for band in (*S2_BANDS, "TCI"):
        write_tiff(images / f"T21JUK_20231217T135659_{band}.tif")
    (folder / "MTD_MSIL1C.xml").write_text(xml or product_xml("1C"), encoding="utf-8")
    return folder


def mtl_groups(name=LANDSAT, *, level="L2SP", elevation="26.0", bands=range(1, 8)):
    """Level 1 keys of the same name come first here, so that a reader without groups takes the wrong ones."""
    level_1 = {
        f"REFLECTANCE_{what}_BAND_{band}": value
        for band in bands
        for what, value in (("MULT", "2.0000E-05"), ("ADD", "-0.100000"))
    }
    level_2 = {
        f"REFLECTANCE_{what}_BAND_{band}": value
        for band in bands
        for what, value in (("MULT", "3e-05"), ("ADD", "-0.3"))
    }
    groups = {
        "PRODUCT_CONTENTS": {"LANDSAT_PRODUCT_ID": name, "PROCESSING_LEVEL": level, "COLLECTION_NUMBER": "02"},
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_8", "DATE_ACQUIRED": "2020-12-26", "SCENE_CENTER_TIME": "17:43:59.1234567Z",
            "SUN_ELEVATION": elevation,
        },
        "LEVEL1_RADIOMETRIC_RESCALING": level_1,
    }  # fmt: skip
    if level == "L2SP":
        groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = level_2
        groups["LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"] = {
            "TEMPERATURE_MULT_BAND_ST_B10": "0.004", "TEMPERATURE_ADD_BAND_ST_B10": "150.0"
        }  # fmt: skip
    return groups


def mtl_text(groups):
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, entries in groups.items():
        lines.append(f"  GROUP = {group}")
        lines += [
            f"    {key} = {value if value[0] in '-.0123456789' and 'Z' not in value else chr(34) + value + chr(34)}"
            for key, value in entries.items()
        ]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


def mtl_xml(groups):
    inner = "".join(
        f"<{group}>{''.join(f'<{key}>{value}</{key}>' for key, value in entries.items())}</{group}>"
        for group, entries in groups.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="no"?><LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>'
    )


def make_landsat(root, *, name=LANDSAT, endings=None, mtl="txt", groups=None):
    folder = root / name
    standard = (*(f"SR_B{band}" for band in range(1, 8)), "ST_B10", "QA_PIXEL", "QA_RADSAT", "SR_QA_AEROSOL", "ST_EMIS")
    for ending in standard if endings is None else endings:
        write_tiff(folder / f"{name}_{ending}.TIF", metres=30)
    groups = mtl_groups(name) if groups is None else groups
    write = {"txt": mtl_text, "xml": mtl_xml, "json": lambda told: json.dumps({"LANDSAT_METADATA_FILE": told})}
    if mtl is not None:
        (folder / f"{name}_MTL.{mtl}").write_text(write[mtl](groups), encoding="utf-8")
    return folder


def item_json(assets, *, name="item", **properties):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": name,
        "geometry": None,
        "properties": {"datetime": "2023-12-17T12:00:00Z", **properties},
        "links": [],
        "assets": assets,
    }


def write_json(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def by_name(acquisition):
    return {file.band.name: file for file in acquisition.bands}


EO = {"name": "red", "common_name": "red", "center_wavelength": 0.665, "full_width_half_max": 0.038}
S2 = {"platform": "sentinel-2b", "s2:processing_baseline": "05.10"}


def reflectance(href, eo=EO, raster=None, **fields):
    raster = {"nodata": 0, "data_type": "uint16", "scale": 0.0001} if raster is None else raster
    return {"href": href, "type": "image/tiff", "roles": ["data"], "eo:bands": [eo], "raster:bands": [raster], **fields}


def taken_from(tmp_path, assets, only=None, *, remote=False, **properties):
    for asset in assets.values():
        if "://" not in asset["href"] and not asset["href"].startswith("missing"):
            dtype, scale = asset.get("stored", "uint16"), asset.get("file_scale")
            write_tiff(tmp_path / asset["href"], dtype=dtype, scale=scale, count=len(asset.get("eo:bands", "1")))
    (taken,) = open_stac(write_json(tmp_path / "item.json", item_json(assets, **properties)), only, remote=remote)
    return taken
