import viewer
from stsun.view.frames import bounds_of, reaches, tile_grid
from stsun.view.opening import sights_of


def test_the_raster_is_one_that_the_viewer_knows_and_all_tiles_show_it(tmp_path):
    path = viewer.write_raster(tmp_path / "small.tif", 1200)
    (layer,) = sights_of([path], tmp_path / "cache")[0].open().layers
    assert layer.unknown is None and len(layer.shots[0].image.bands) == len(viewer.WANTED)
    grid = layer.shots[0].image.files[0].grid
    tiles = viewer.tiles_of({"bounds": bounds_of(grid)}, viewer.ZOOMS)
    assert len(tiles) == len(set(tiles)) and {zoom for zoom, _, _ in tiles} == set(viewer.ZOOMS)
    assert all(reaches(tile_grid(*tile), grid) for tile in tiles)
