import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.bands import BANDWIDTH_RANGE_NM, TOKENS, WAVELENGTH_RANGE_NM, Band, check_bands, describe
from stsun.errors import ConfigurationError

RED, GREEN, BLUE = Band("red", 665, 70), Band("green", 560, 60), Band("blue", 490, 65)


def test_wavelengths_are_held_as_floats_whatever_number_they_were():
    for number in (665, 665.0, np.float32(665), np.int64(665)):
        band = Band("red", number, 70)
        assert band == Band("red", 665.0, 70.0) and hash(band) == hash(Band("red", 665.0, 70.0))
        assert type(band.wavelength_nm) is float


def test_a_band_without_wavelength_is_its_token_in_lower_case():
    assert Band("VV").token == "vv"
    assert RED.token is None
    assert set(TOKENS) == {Band(token).token for token in TOKENS}


@given(st.floats(*WAVELENGTH_RANGE_NM))
def test_every_plausible_wavelength_is_taken_as_it_is(wavelength_nm):
    assert Band("b", wavelength_nm).wavelength_nm == wavelength_nm


@given(st.floats(0.2, 20.0))
def test_micrometres_are_refused_with_the_nanometres_to_write(wavelength_um):
    with pytest.raises(ConfigurationError, match="looks like micrometres: write") as caught:
        Band("b", wavelength_um)
    written = float(str(caught.value).split("write ")[1].split(";")[0])
    assert Band("b", written).wavelength_nm == pytest.approx(wavelength_um * 1000, rel=1e-5)


@pytest.mark.parametrize(
    ("wavelength", "fix"),
    [
        (0.665, "write 665"),
        (5.405, r"radar frequency in GHz, use a named token such as Band\('vv'\)"),
        (55.0, "named token"),
        (0.0, "named token"),
        (-1, "named token"),
        (5.6e7, "named token"),
        (float("nan"), "finite number of nanometres"),
        (float("inf"), "finite number of nanometres"),
        ("665", "finite number of nanometres"),
        (True, "finite number of nanometres"),
    ],
)
def test_an_implausible_wavelength_is_refused_and_the_message_says_the_fix(wavelength, fix):
    with pytest.raises(ConfigurationError, match=fix) as caught:
        Band("x", wavelength)
    assert "'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("wavelength", "bandwidth", "fix"),
    [
        (665, 0.07, "looks like micrometres: write 70"),
        (665, 0, "leave it out"),
        (665, -5, "leave it out"),
        (665, 2000, "twice the wavelength"),
        (None, 70, "neither for a named token"),
        (665, float("nan"), "finite number"),
    ],
)
def test_an_implausible_bandwidth_is_refused_and_the_message_says_the_fix(wavelength, bandwidth, fix):
    with pytest.raises(ConfigurationError, match=fix):
        Band("x", wavelength, bandwidth)


@given(st.floats(*WAVELENGTH_RANGE_NM), st.floats(0, 1))
def test_a_bandwidth_up_to_twice_the_wavelength_is_taken(wavelength_nm, share):
    low, high = BANDWIDTH_RANGE_NM
    bandwidth_nm = low + share * (min(high, 2 * wavelength_nm) - low)
    assert Band("b", wavelength_nm, bandwidth_nm).bandwidth_nm == bandwidth_nm


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_a_band_needs_a_name(name):
    with pytest.raises(ConfigurationError, match="a band needs a name"):
        Band(name, 665)


@pytest.mark.parametrize(
    ("bands", "fix"),
    [
        ([], "list its bands in file order"),
        ([Band(f"b{i}", 600) for i in range(4)], "all 4 bands have the wavelength 600 nm; give each its own"),
        ([RED, GREEN, Band("red", 700)], "'red' and 'red' are the same band.*list each band once"),
        ([RED, GREEN, Band("again", 665, 70)], "'red' and 'again' are the same band.*list each band once"),
        ([Band("vv"), Band("VV")], "'vv' and 'VV' are the same band"),
    ],
)
def test_a_list_that_cannot_be_one_image_is_refused(bands, fix):
    with pytest.raises(ConfigurationError, match=fix):
        check_bands(bands)


def test_optical_bands_and_tokens_go_together_in_any_order():
    check_bands([Band("vv"), RED, Band("dem"), BLUE, Band("wide", 665, 200), GREEN])
    check_bands([RED])


def test_describe_says_wavelength_width_or_token():
    assert describe(RED) == "red 665 nm (70 nm wide)"
    assert describe(Band("red", 665)) == "red 665 nm (width unknown)"
    assert describe(Band("vv")) == "vv (named token)"
