"""The seed corpus: small files written for this purpose, each with an oddity that real ones have had.

Fuzzing starts from them, and puts the tokens below into them.
"""

DATASET = {
    "name": "small", "task": "segmentation",
    "bands": [{"name": "red", "wavelength_nm": 665, "bandwidth_nm": 30}, {"name": "nir", "wavelength_nm": 842}],
    "scale": 0.001, "nodata": -1, "images": ["images/{id}.tif"], "labels": ["labels/{id}.tif"],
    "classes": {0: "water", 1: "forest"}, "colors": {"water": "#0000ff"}, "ignore": [7],
    "splits": {"train": "train.txt"},
}  # fmt: skip
"""A data set that is right, for the folder that the targets make."""

ROW = {
    "id": "a", "split": "train", "images": [{"path": "images/a.tif", "date": "2019-09-18"}], "labels": ["labels/a.tif"],
    "valid": [None], "gsd_m": 10, "layers": [1], "window": [0, 0, 4, 6],
}  # fmt: skip

EXPERIMENT = {
    "name": "small", "data": [{"dataset": "set/dataset.yaml", "weight": 2.0}, {"simulation": "flood", "size": 64}],
    "model": {"size": "nano", "options": {"temporal": "mean"}},
    "stream": {"crop": 64, "augment": {"dihedral": False}, "cache_gb": 0.5},
    "optimiser": {"learning_rate": 1e-3, "betas": [0.9, 0.98]}, "steps": 10, "seed": 3, "threads": 1,
}  # fmt: skip

REQUEST = {
    "bands": [{"name": "red", "wavelength_nm": 665}, {"name": "vv"}], "gsd_m": 10, "task": "binary_change",
    "categories": ["changed"], "dates": 2,
}  # fmt: skip

YAML = [
    b"name: a\nclasses: {0: water, 255: forest}\ncolors: {water: '#0000ff'}\n",
    b"\xef\xbb\xbfname: with a byte order mark\r\ntitle: Windows line ends\r\n",
    b"name: no\nlicence: off\nsource: ~\nper_date: yes\n",  # words in YAML 1.2, truth values in 1.1
    b"classes: {010: octal in YAML 1.1, 0x1F: hexadecimal, 1_000: with a stroke, 190:20:30: base sixty}\n",
    b"dates: [2019-09-18, 2019-09-18T10:00:00Z, 20190918, null, 2019-9-1]\n",
    b"scale: 1e-4\noffset: -.1\nnodata: .nan\ngsd_m: 1.e+1\n",
    b"band: &b {name: red}\nbands: [*b, *b]\nbase: &base {a: 1}\nmore: {<<: *base, a: 2}\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    b"a: &a {x: 1}\nb: &b {<<: [*a, *a], y: 1}\nc: &c {<<: [*b, *b]}\nd: {<<: [*c, *c]}\n",
    b"text: |\n  a block\n  of lines\nfolded: >-\n  folded\n",
    b"? plain key\n: value\n? [a]\n: a list as key\n",
    b"--- # a document\nname: a\n...\n--- # and another\nname: b\n",
    b"%YAML 1.1\n---\nname: !!str 12\ncount: !!int '3'\nwhen: !!timestamp 2001-12-14\ndata: !!binary aGk=\n",
    b"images: ['{split}/A/{id}.png', \"B/{id}.png\"]\nid: '007'\n",
    b'name: "\\x00\\u202e\\ud83d\\ude00"\n\ttab: 1\n',
]
YAML_TOKENS = (
    b"*a", b"&a ", b"<<: *a\n", b"!!int ", b"!!float ''", b"!!bool x", b"!!timestamp x", b"!!set {a}", b"!!omap [a: 1]",
    b"!!pairs [a: 1]", b"!!binary x", b"!!python/name:os.system ", b"!<x>", b"[" * 40, b"{a: " * 40, b"1:1:1:1.5", b"_",
    b"0x", b"0b", b"0o7", b".inf", b"-.INF", b".nan", b"1e999", b"9" * 400, b"2020-99-99", b"\xff", b"\x00", b"\xc2\x85", b"\t",
    b"? ", b": ", b"- ", b"\n", b"#", b"'", b'"\\u', b"|+2\n", b"%TAG ! x\n---\n", b"\xed\xa0\x80", b"=", b"yes", b"on",
)  # fmt: skip

JSON_TOKENS = (
    b"NaN", b"Infinity", b"-1e999", b"9" * 5000, b"null", b"[" * 2000, b'"\\ud800"', b'"\\u0000"', b"{}", b"[]", b"\xff",
    b'"a": 1, "a": 2, ', b"\xef\xbb\xbf", b"true", b'"../../x"', b"1e400", b"-0", b"\n", b",", b'""', b'"nan"',
)  # fmt: skip

XML_TOKENS = (
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#x110000;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>",
    b"xmlns:a='b'", b"<a:b/>", b"\xff", b"\x00", b"nan", b"inf", b"0", b"-1", b"1e999", b"2016-13-01", b"<a>" * 2000, b"",
    b"encoding='utf-16'", b"band_id='99'", b"04.00", b"99.99",
)  # fmt: skip

MTL_TOKENS = (
    b"GROUP = ", b"END_GROUP = IMAGE_ATTRIBUTES\n", b"SUN_ELEVATION = 1e-320\n", b"SUN_ELEVATION = nan\n", b"= ", b'"',
    b"DATE_ACQUIRED = 1066-10-14\n", b"REFLECTANCE_MULT_BAND_4 = 0\n", b"REFLECTANCE_MULT_BAND_4 = 1e308\n", b"\r\n",
    b"REFLECTANCE_ADD_BAND_4 = inf\n", b"SCENE_CENTER_TIME = 25:00:00Z\n", b"END\n", b"\x00", b"\xff", b"0", b"-", b"9" * 400,
)  # fmt: skip

ARRAY_TOKENS = (
    b"\x00", b"\xff" * 4, b"\x00" * 8, b"|O", b"<f8", b">u2", b"<U1", b"(4294967296, 4294967296)", b"(-1, 4)", b"(2, 4, 6, )",
    b"True", b"9" * 400, b"'shape'", b"PK\x05\x06", b"PK\x03\x04", b"\x93NUMPY", b"II*\x00", b"MM\x00*", b"\x7f\xff\xff\xff",
)  # fmt: skip

TAGS = {
    "wavelength": [
        "665",
        "0.665",
        " 665.0 ",
        "665 nm",
        "665nm",
        "-1",
        "0",
        "nan",
        "1e999",
        "5.405",
        "55465763",
        "",
        "٦٦٥",
    ],
    "Wavelength": ["842", "Unknown"],
    "fwhm": ["30", "0.03", "0", "-3", "nan", "1e999", "", "1e-320"],
    "wavelength_units": [
        "nm",
        "Nanometers",
        "um",
        "Micrometers",
        "µm",
        "μm",
        "GHz",
        "Index",
        "Unknown",
        "",
        "MHz",
        "m",
    ],
    "CENTRAL_WAVELENGTH_UM": ["0.665", "665", "nan", "", "0"],
    "FWHM_UM": ["0.03", "30", "x"],
    "ACQUISITION_DATE": [
        "2019-09-18",
        "2019-09-18 10:00:00",
        "20190918T100000",
        "18.09.2019",
        "0001-01-01",
        "9999-12-31",
    ],
    "ACQUISITIONDATETIME": ["2019-09-18T10:00:00.123Z", "2019-09-18T10:00:00+25:00", "2019-09-18T24:00:00", ""],
    "date_acquired": ["2000-02-30", "1752-09-03", "2199-12-31T23:59:60Z", "20190918T25", "٢٠١٩-٠٩-١٨"],
    "SENSING_TIME": ["2019-261T10:00:00Z", "2019-09-18T10", "20190918T1000"],
    "TIFFTAG_DATETIME": ["2019:09:18 10:00:00"],
}
"""Tags as sensors' files have them, with what was seen in place of numbers and days."""

DESCRIPTIONS = ["VV", "NDVI", "Band 4 (red)", "red", "", "  ", "ndsm height", "B8A", "\x00", "x" * 5000, "İ", "ẞ"]

S2_FILES = [
    "T21JUK_20231217T135659_B04_10m.jp2", "T21JUK_20231217T135659_B04.jp2", "T21JUK_20231217T135659_SCL_20m.jp2",
    "T21JUK_20231217T135659_B8A_20m.tif", "t21juk_20231217t135659_b08_10M.TIF", "T21JUK_20231217T135659_B04_10m.jp2.aux.xml",
    "T21JUK_20231217T135659_B٠٤_10m.jp2", "T21JUK_20231217T135659_B04_50m.jp2", "T21JUK_20231217T135659_B99_10m.jp2", "B04.jp2",
]  # fmt: skip
LANDSAT_FILES = [
    "LC08_L2SP_037034_20201226_20210310_02_T1_SR_B4.TIF", "LC08_L2SP_037034_20201226_20210310_02_T1_SR_B5.tif",
    "LC08_L2SP_037034_20201226_20210310_02_T1_ST_B10.TIF", "LC08_L2SP_037034_20201226_20210310_02_T1_QA_PIXEL.TIF",
    "LC08_L1TP_037034_20201226_20210310_02_T1_B4.TIF", "LC08_L1TP_037034_20201226_20210310_02_T1_B10.TIF",
    "lc08_l2sp_037034_20201226_20210310_02_t1_sr_b4.tif", "LC08_L2SP_037034_20201226_20210310_01_T1_SR_B4.TIF",
    "LE07_L2SP_037034_20201326_20210310_02_T1_SR_B3.TIF", "LX99_L2SP_037034_20201226_20210310_02_T1_SR_B3.TIF",
    "LC08_L2SP_037034_٢٠٢٠١٢٢٦_20210310_02_T1_SR_B4.TIF", "LT04_L2SP_037034_19881226_20210310_02_T1_SR_B1.TIF",
]  # fmt: skip
HLS_FILES = [
    "HLS.S30.T21JUK.2023351T135659.v2.0.B04.tif", "HLS.S30.T21JUK.2023351T135659.v2.0.Fmask.tif",
    "HLS.L30.T21JUK.2023351T135659.v2.0.B10.tif", "HLS.L30.T21JUK.2023351T135659.v2.0.B05.tif",
    "HLS.S30.T21JUK.2023366T135659.v2.0.B8A.tif", "HLS.S30.T21JUK.2023000T250000.v2.0.B04.tif", "hls.s30.t21juk.2023351t135659.v2.0.b04.TIFF",
    "HLS.S30.T21JUK.0000001T000000.v2.0.B04.tif", "HLS.S30.T21JUK.2023٣٥١T135659.v2.0.B04.tif", "HLſ.S30.T21JUK.2023351T135659.v2.0.B04.tif",
]  # fmt: skip
"""Names of products' files: in both cases, of other resolutions, collections and sensors, with impossible days."""
