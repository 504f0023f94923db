"""The page in a real browser: what is seen and said, by pixels and elements. Screenshots stay in runs/screenshots."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from viewed_world import CATEGORIES, DAYS, GRID, HOSTILE, Brightness, picture_of, viewing, write_images, write_maps

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")

SCREENSHOTS = Path(__file__).resolve().parents[2] / "runs" / "screenshots"
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, SMALLER, PHONE = (1280, 720), (1000, 620), (390, 844)
PATIENCE_MS = 60_000
FOREST, BUILDING = CATEGORIES[1][1], CATEGORIES[2][1]


@pytest.fixture(scope="session")
def network():
    return Brightness()


@pytest.fixture(scope="session")
def served(world, network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    (folder / "hostile").mkdir()
    write_maps(folder / "hostile", GRID, ((HOSTILE, "#ff0000"), ("a</style><b>", "#00ff00"), ("c", "#0000ff")))
    for name in ("elsewhere", "fields"):
        (folder / name).mkdir()
        write_images(folder / name)
    paths = [
        *(folder / name for name in ("elsewhere", "fields", "hostile")),
        world / "town",
        world / "pictures",
        world / "pairs" / "dataset.yaml",
    ]
    with viewing(paths, folder, network) as (address, _, _):
        yield address


@pytest.fixture(scope="session")
def browser():
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Page:
    """A page with what tests ask of it; what its console complains about is kept."""

    def __init__(self, browser, address, size, scheme):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.problems = []
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.asked = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.wait_for_selector(".layer")

    def drawn(self):
        self.page.wait_for_selector("body.drawn")

    def go(self, title):
        self.page.locator("#places select").select_option(label=title)
        expect(self.page).to_have_title(f"{title} – STSUN viewer")

    def picture(self, name=None):
        data = self.page.screenshot()
        if name is not None:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            (SCREENSHOTS / f"{name}.png").write_bytes(data)
        return picture_of(data)[:, :, :3]

    def map(self, name=None):
        """The map as seen, without what lies over its edges."""
        box = self.page.locator("#map").bounding_box()
        left, top = int(box["x"]), int(box["y"])
        picture = self.picture(name)
        return picture[top + 40 : top + int(box["height"]) - 60, left + 10 : left + int(box["width"]) - 60]

    def share(self, color, name=None):
        """How much of the map has a colour (``#rrggbb``)."""
        wanted = np.array(list(bytes.fromhex(color[1:])))
        return float((np.abs(self.map(name) - wanted).max(-1) <= 3).mean())

    def only(self, *titles):
        """Show these layers alone, wholly opaque."""
        for row in self.page.locator(".layer").all():
            wanted = row.get_attribute("aria-label") in titles
            row.get_by_role("checkbox").first.set_checked(wanted)
            if wanted:
                self.slide(row.get_by_title("Opacity"), 100)
        self.drawn()

    def slide(self, slider, value):
        slider.evaluate("(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value)

    def click_map(self, across=0.5, down=0.5):
        box = self.page.locator("#map").bounding_box()
        self.page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)

    def row(self, title):
        return self.page.get_by_role("article", name=title, exact=True)


@pytest.fixture(scope="session")
def first(browser, served):
    """The page that most tests share, for a start takes its time."""
    page = Page(browser, served, SMALLER, "light")
    yield page
    page.context.close()


@pytest.fixture
def opened(first):
    """Go to a place as if the page had just been opened there; at the end nothing must have gone wrong."""

    def make(title="town"):
        first.page.keyboard.press("Escape")
        first.go("elsewhere")
        first.asked.clear()
        first.go(title)
        first.drawn()
        return first

    yield make
    problems, first.problems = first.problems, []
    assert problems == []


def test_images_maps_and_their_legend_are_seen_at_once(opened):
    view = opened()
    assert [row.get_attribute("aria-label") for row in view.page.locator(".layer").all()] == [
        "regions", "probabilities", "map", "changes", "image",
    ]  # fmt: skip
    legend = view.row("map").locator(".entry").all_inner_texts()
    assert [line.split("\n")[0] for line in legend] == [name for name, _ in CATEGORIES]
    expect(view.row("map").locator(".area").nth(1)).to_have_text("41.0 ha")  # 4096 pixels of 100 m²
    view.only("map")
    view.slide(view.page.get_by_label("Date", exact=True).locator("input"), 0)
    view.drawn()
    assert view.share(FOREST) == pytest.approx(2 * view.share(BUILDING), rel=0.05)
    assert view.share(BUILDING) > 0.1


def test_a_category_can_be_hidden_by_its_legend(opened):
    view = opened()
    view.only("map")
    assert view.share(FOREST) > 0.1
    view.row("map").get_by_role("button", name="forest").click()
    view.drawn()
    assert view.share(FOREST) == 0 and view.share(BUILDING) > 0.1
    assert view.row("map").get_by_role("button", name="forest").get_attribute("aria-pressed") == "false"


def test_opacity_lets_shine_through_what_lies_below(opened):
    view = opened()
    view.only("map", "image")
    assert view.share(FOREST) > 0.1
    view.slide(view.row("map").get_by_title("Opacity"), 40)
    view.drawn()
    assert view.share(FOREST) == 0
    view.slide(view.row("map").get_by_title("Opacity"), 0)
    view.drawn()
    through = view.map()
    view.only("image")
    assert np.abs(through - view.map()).max() <= 2


def test_the_slider_shows_all_dates(opened):
    view = opened()
    view.only("image")
    slider = view.page.get_by_role("slider", name="Date")
    seen = []
    for number, day in enumerate(DAYS):
        view.slide(slider, number)
        view.drawn()
        assert view.page.locator(".moment").inner_text() == day == slider.get_attribute("aria-valuetext")
        seen.append(view.map()[200:300, 350:500].mean())
    assert seen[0] + 20 < seen[1] < seen[2] - 20
    view.page.keyboard.press(",")
    assert view.page.locator(".moment").inner_text() == DAYS[1]
    view.page.get_by_role("button", name="Play the dates").click()
    expect(view.page.locator(".moment")).to_have_text(DAYS[2])
    view.page.get_by_role("button", name="Stop playing").click()


def test_composites_and_contrast_can_be_switched(opened):
    view = opened()
    view.only("image")
    bands = view.row("image").get_by_role("combobox")
    assert bands.locator("option").all_inner_texts()[0] == "True colour"
    for key in ("false", "band-3"):
        bands.select_option(key)
        view.drawn()
        assert any(f"look={key}" in address for address in view.asked)
    middle = view.map()[250:300, 400:450].reshape(-1, 3)
    assert (np.ptp(middle, axis=1) <= 2).all()  # grey
    view.row("image").get_by_label("contrast of each date for itself").check()
    view.drawn()
    assert any("each=true" in address for address in view.asked)


def test_probabilities_are_seen_category_by_category(opened):
    view = opened()
    view.only("probabilities")
    before = view.map()
    view.row("probabilities").get_by_role("combobox").select_option(label="building")
    view.drawn()
    assert np.abs(before - view.map()).mean() > 5


def test_two_layers_are_compared_by_a_swipe(opened):
    view = opened()
    view.page.keyboard.press("c")
    view.drawn()
    view.page.wait_for_timeout(1500)
    left, right = view.page.get_by_label("Left side"), view.page.get_by_label("Right side")
    assert left.locator("option:checked").inner_text() == f"image, {DAYS[0]}"
    assert right.locator("option:checked").inner_text() == f"image, {DAYS[-1]}"
    seen = view.map("swipe")
    middle = seen.shape[1] // 2 + 25
    assert seen[200:400, middle - 60 : middle - 30].mean() + 40 < seen[200:400, middle + 30 : middle + 60].mean()
    divider = view.page.get_by_role("slider", name="Where the two layers meet")
    divider.focus()
    for _ in range(6):
        view.page.keyboard.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "62"
    view.page.wait_for_timeout(300)
    moved = view.map()
    assert (
        np.abs(moved[200:400, middle + 30 : middle + 60].mean() - seen[200:400, middle - 60 : middle - 30].mean()) < 15
    )
    right.select_option(label=f"map, {DAYS[0]}")
    view.page.wait_for_timeout(1000)
    assert view.share(BUILDING) == 0  # three quarters opaque over the image
    view.page.keyboard.press("c")
    assert not divider.is_visible()


def test_a_click_tells_values_probabilities_and_what_became_of_a_pixel(opened):
    view = opened()
    view.click_map(0.6, 0.3)  # the upper right quarter
    card = view.page.locator("#pixel")
    card.locator("figure svg").wait_for()
    text = card.inner_text()
    assert "row" in text and "forest → building" in text and "80 %" in text
    assert card.locator("svg path[stroke]").count() == 4 and card.locator("svg circle").count() == 12
    card.get_by_text("Numbers").click()
    table = card.locator("tbody tr").first.inner_text().split("\t")
    assert table[0] == "blue" and [float(value) for value in table[1:]] == pytest.approx(
        [0.102, 0.112, 0.122], abs=0.003
    )
    view.picture("values")
    view.page.keyboard.press("Escape")
    assert not card.is_visible()


def test_everything_can_be_reached_and_used_by_keyboard(opened):
    view = opened()
    expected = view.page.evaluate("""() => [...document.querySelectorAll(
        'button, select, input, summary, [tabindex="0"]')].filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled).length""")
    reached = set()
    for _ in range(expected + 12):
        view.page.keyboard.press("Tab")
        reached.add(
            view.page.evaluate("""() => { const e = document.activeElement;
            const all = [...document.querySelectorAll('*')]; return all.indexOf(e); }""")
        )
    assert len(reached) >= expected
    canvas = view.page.locator("#map canvas")
    canvas.focus()
    view.page.keyboard.press("Enter")
    view.page.locator("#pixel figure svg").wait_for()
    assert "row 6" in view.page.locator("#pixel h2").inner_text()  # the middle: 63 or 64
    view.page.keyboard.press("3")
    assert not view.row("map").get_by_role("checkbox").first.is_checked()
    view.page.keyboard.press("?")
    expect(view.page.get_by_role("dialog")).to_be_visible()
    view.page.keyboard.press("Escape")


def test_polygons_are_drawn_and_tell_what_they_are_as_text(opened):
    view = opened()
    view.only("regions")
    assert view.share(FOREST) > 0.0005
    view.click_map(0.4, 0.7)
    card = view.page.locator("#pixel")
    card.get_by_text("polygon").wait_for()
    assert HOSTILE in card.inner_text() and "409,600" in card.inner_text()
    assert view.page.evaluate("window.hacked") is None and view.page.locator("#pixel img").count() == 0


def test_hostile_names_of_categories_are_only_ever_text(opened):
    view = opened("hostile")
    assert view.row("map").locator(".entry .name").all_inner_texts() == [HOSTILE, "a</style><b>", "c"]
    view.row("probabilities").get_by_role("checkbox").first.check()
    view.click_map(0.4, 0.3)
    view.page.locator("#pixel .said").first.wait_for()
    assert HOSTILE in view.page.locator("#pixel").inner_text()
    assert view.page.evaluate("window.hacked") is None
    assert view.page.locator("#panel img").count() == 1 and view.page.locator("b").count() == 0


def test_pictures_without_a_place_are_seen_in_pixel_coordinates(opened):
    view = opened("pictures (128 x 128 pixels)")
    slider = view.page.get_by_role("slider", name="Date")
    view.slide(slider, 0)
    view.drawn()
    assert [round(view.share(color), 2) > 0.1 for color in ("#00ffff", "#ff00ff", "#ffff00", "#000000")] == [True] * 4
    assert view.page.locator(".maplibregl-ctrl-scale").count() == 0
    view.click_map(0.4, 0.3)
    view.page.locator("#pixel figure").wait_for()
    row, column = (int(word) for word in view.page.locator("#pixel h2").inner_text().replace(",", "").split()[1::2])
    assert 15 < row < 50 and 15 < column < 60
    assert "," not in view.page.locator("#pixel header .faint").inner_text()


def test_samples_of_a_data_set_are_found_and_shown_with_their_labels(opened):
    view = opened("pairs: test/pair-1")
    view.only("labels")
    assert view.share("#cc3311") > 0.2  # building change: the right half
    view.picture("sample")


def box_on(view):
    view.page.get_by_role("button", name="Draw a box").click()
    box = view.page.locator("#map").bounding_box()
    corners = [(box["x"] + box["width"] * a, box["y"] + box["height"] * d) for a, d in ((0.42, 0.25), (0.55, 0.6))]
    view.page.mouse.move(*corners[0])
    view.page.mouse.down()
    view.page.mouse.move(*corners[1], steps=4)
    view.page.mouse.up()


def test_a_prediction_is_asked_for_watched_seen_and_another_cancelled(opened, network, held_writing):
    view = opened("fields")
    view.page.get_by_role("button", name="New prediction").focus()
    view.page.keyboard.press("Enter")
    view.page.get_by_role("button", name="Predict", exact=True).wait_for()
    assert view.page.evaluate("document.activeElement.closest('#predict form') !== null")
    view.page.get_by_label("Task").select_option("segmentation")
    categories = view.page.get_by_role("group", name="Categories")
    assert [text.strip() for text in categories.locator("label").all_inner_texts()] == [name for name, _ in CATEGORIES]
    for box in categories.get_by_role("checkbox").all():
        box.uncheck()
    view.page.get_by_role("button", name="Predict", exact=True).click()
    expect(view.page.get_by_role("alert")).to_have_text("Choose at least one category.")
    assert view.page.locator("#jobs li").count() == 0
    view.page.evaluate("document.getElementById('message').hidden = true")
    for box in categories.get_by_role("checkbox").all():
        box.check()
    box_on(view)
    assert view.page.locator("#where").inner_text() == "the box on the map"
    view.page.get_by_role("button", name="Draw a box").click()
    view.page.keyboard.press("Escape")
    assert view.page.locator("#where").inner_text() == "the box on the map"
    network.go_on.clear()
    view.page.get_by_role("button", name="Predict", exact=True).click()
    running = view.page.locator("#jobs [data-state=running]")
    running.wait_for()
    assert running.get_by_role("progressbar").is_visible()
    view.picture("prediction")
    stop = running.get_by_role("button", name="Cancel")
    stop.focus()
    view.page.wait_for_timeout(1000)  # the page asks twice meanwhile
    expect(stop).to_be_focused()
    view.page.keyboard.press("Enter")
    expect(running.get_by_role("button")).to_have_text("Cancelling …")
    network.go_on.set()
    view.page.locator("#jobs [data-state=cancelled]").wait_for()
    assert view.page.locator(".layer").count() == 1
    view.page.get_by_role("button", name="Predict", exact=True).click()
    expect(running.locator("span")).to_have_text("segmentation: writing map.tif")
    view.picture("prediction-writing")
    held_writing.go_on.set()
    view.page.locator("#jobs [data-state=done]").wait_for()
    expect(view.page.locator(".layer")).to_have_count(4)
    made = view.page.locator(".layer[aria-label^='map (prediction']")
    view.only(made.get_attribute("aria-label"))
    shown = view.share(FOREST)  # 0.1 of reflectance: category 1 everywhere in the box
    assert 0.02 < shown < 0.15


def test_where_there_are_labels_their_categories_are_proposed(browser, served):
    view = Page(browser, served, SMALLER, "light")
    kinds = {"segmentation": ["water"], "binary_change": ["building change", "flooded"], "semantic_change": []}
    view.page.route("**/api/model", lambda route: route.fulfill(json={"tasks": kinds, "sensors": {}}))
    view.go("pairs: test/pair-1")
    view.page.get_by_role("button", name="New prediction").click()
    view.page.get_by_label("Task").select_option("binary_change")
    categories = view.page.get_by_role("group", name="Categories")
    expect(categories.get_by_label("building change")).to_be_checked()
    expect(categories.get_by_label("flooded")).not_to_be_checked()
    view.page.get_by_label("Task").select_option("segmentation")  # of these none is labelled
    expect(categories.get_by_label("water")).to_be_checked()
    view.context.close()
    assert view.problems == []


def test_a_place_that_is_being_opened_dims_the_one_before(opened):
    view = opened()
    held = []
    view.page.route("**/api/places/*", lambda route: held.append(route))
    view.page.locator("#places select").select_option(label="elsewhere")
    expect(view.page.locator("#layers")).to_have_css("opacity", "0.4")
    expect(view.page.locator("#map")).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    expect(view.page.locator("#layers")).to_have_css("opacity", "1")
    expect(view.page).to_have_title("elsewhere – STSUN viewer")
    view.page.unroute("**/api/places/*")


def test_a_point_is_not_left_behind_its_own_values(opened):
    view = opened()
    view.click_map(0.75, 0.8)
    card = view.page.locator("#pixel")
    card.locator("figure svg").wait_for()
    mark = view.page.locator(".mark")
    for _ in range(50):
        point, over = mark.bounding_box(), card.bounding_box()
        if point["y"] + point["height"] < over["y"] or point["x"] + point["width"] < over["x"]:
            break
        view.page.wait_for_timeout(100)
    else:
        pytest.fail(f"the point at {point} lies behind the card at {over}")


READABLE = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('.ramp, .skip, option, #divider')) continue;
    const [one, other] = [numbers(getComputedStyle(element).color), paper(element)].map(light);
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) poor.push(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_readable_dark_and_light_on_desktops_and_phones(browser, served, size, scheme):
    view = Page(browser, served, size, scheme)
    view.go("town")
    view.drawn()
    view.click_map(0.55, 0.35)
    view.page.locator("#pixel figure svg").wait_for()
    view.page.get_by_role("button", name="New prediction").click()
    view.page.get_by_role("button", name="Predict", exact=True).wait_for()
    assert view.page.evaluate(READABLE) == []
    picture = view.picture(f"{scheme}-{'phone' if size == PHONE else 'desktop'}")
    assert (picture[5, 5].mean() < 60) == (scheme == "dark")
    assert view.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for control in view.page.locator("main button, main input, #panel header button").all():
        if control.is_visible():
            box = control.bounding_box()
            assert 0 <= box["x"] and box["x"] + box["width"] <= size[0] + 1 and box["y"] + box["height"] <= size[1] + 1
    if size == PHONE:
        view.page.get_by_role("button", name="Fold the panel").click()
        assert view.page.locator("#map").bounding_box()["height"] > 0.9 * size[1] - 60
    view.page.get_by_role("button", name="Dark or light").click()
    assert view.page.locator("html").get_attribute("data-theme") == {"light": "dark", "dark": "light"}[scheme]
    view.context.close()
    assert view.problems == []


def test_what_goes_wrong_is_said(opened, served):
    view = opened()
    view.page.route(
        "**/api/pixel/**", lambda route: route.fulfill(status=422, json={"error": "the file is <b>gone</b>"})
    )
    view.click_map()
    message = view.page.get_by_role("alert")
    message.wait_for()
    assert message.inner_text() == "the file is <b>gone</b>"
    view.problems.clear()  # the browser itself notes the status
    view.page.unroute("**/api/pixel/**")


def test_nothing_is_asked_of_anyone_else(opened, served):
    view = opened()
    view.click_map()
    view.page.locator("#pixel figure svg").wait_for()
    foreign = [address for address in view.asked if not address.startswith((served, "data:", "blob:"))]
    assert foreign == []
