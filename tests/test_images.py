"""Test images against what their formula promises; pictures of one's own, whole and broken."""

import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnguide import PHOTOS, checkerboard, coffee, color_grid, disk, load, luma, photo, ramp, resize, save
from tests.conftest import ROOT


def test_a_disk_has_the_area_of_a_circle_and_its_symmetries():
    image = disk(65, radius=20)
    assert image.sum() == pytest.approx(np.pi * 20**2, rel=0.005)
    for turned in (image.T, image[::-1], image[:, ::-1]):
        np.testing.assert_array_equal(image, turned)


@pytest.mark.parametrize("angle", [0, 30, 90, 200])
def test_a_ramp_climbs_by_one_per_pixel_in_its_direction(angle):
    down, across = np.gradient(ramp(9, angle))
    np.testing.assert_allclose(across, np.cos(np.radians(angle)), atol=1e-12)
    np.testing.assert_allclose(down, np.sin(np.radians(angle)), atol=1e-12)


def test_a_checkerboard_changes_at_every_field():
    board = checkerboard(12, field=3)
    assert set(np.unique(board)) == {0, 1} and board.mean() == 0.5
    assert (board[:-3] != board[3:]).all() and (board[:3, :3] == 0).all()


def test_the_photo_is_small_colourful_and_mostly_luma():
    photo = coffee()
    assert photo.dtype == np.float32 and 0 <= photo.min() < 0.1 and 0.9 < photo.max() <= 1
    assert (ROOT / "cnnguide/data/coffee.npz").stat().st_size < 50_000
    assert "CC0" in (ROOT / "cnnguide/data/README.md").read_text("utf-8")
    red, _, blue = photo
    assert (red - blue).std() > 0.05
    photo[...] = 0
    assert coffee().max() > 0.9  # everybody gets a copy of their own


def test_luma_is_pillows(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    gray = np.asarray(Image.fromarray(pixels).convert("L"))
    ours = luma(np.moveaxis(pixels, 2, 0).astype(float))
    np.testing.assert_allclose(ours, gray, atol=1)
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\), got shape \(4, 4\)"):
        luma(np.zeros((4, 4)))


PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 3), np.uint8)


@pytest.mark.parametrize("name", ["picture.png", "picture.bmp", "PICTURE.PNG"])
def test_a_picture_comes_back_as_it_was_saved(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name)
    image = load(tmp_path / name)
    assert image.dtype == np.float32 and image.shape == (3, 5, 8)
    np.testing.assert_array_equal(np.moveaxis(np.round(255 * image), 0, 2), PIXELS)


def test_jpegs_gray_and_palette_pictures_are_read(tmp_path):
    smooth = Image.fromarray((255 * np.stack([disk(32, 9)] * 3, axis=2)).astype(np.uint8))
    for name, mode in (("a.jpg", "RGB"), ("b.jpg", "L"), ("c.png", "P"), ("d.png", "1"), ("e.jpg", "CMYK")):
        smooth.convert(mode).save(tmp_path / name)
        assert abs(load(tmp_path / name)[0] - disk(32, 9)).mean() < 0.1, name


def test_transparent_parts_are_white_and_photos_stand_upright(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (load(tmp_path / "clear.png") == 1).all()
    lying = Image.fromarray(PIXELS)
    exif = lying.getexif()
    exif[0x0112] = 6  # the camera was turned
    lying.save(tmp_path / "turned.png", exif=exif)
    assert load(tmp_path / "turned.png").shape == (3, 8, 5)


def test_what_is_no_picture_is_refused_by_name(tmp_path, monkeypatch):
    Image.fromarray(PIXELS).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    for name, content in (("cut.png", whole[:60]), ("text.png", b"not a picture"), ("empty.jpg", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is not a readable picture, or is damaged"):
            load(tmp_path / name)
    frames = [Image.new("L", (4, 4), value) for value in (0, 255)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"moving.gif is animated, with 2 pictures"):
        load(tmp_path / "moving.gif")
    for name, pixels in (("deep.png", np.uint16), ("real.tiff", np.float32), ("long.tiff", np.int32)):
        Image.fromarray(np.full((4, 4), 999).astype(pixels)).save(tmp_path / name)
        with pytest.raises(ValueError, match=f"{name} has more than 8 bits per colour; save it with 8"):
            load(tmp_path / name)
    for side in (11_000, 20_000):  # Pillow warns of the first and refuses the second
        (tmp_path / "huge.png").write_bytes(head_of_a_png(side))
        with pytest.raises(ValueError, match=r"huge.png has far too many pixels; make it smaller first"):
            load(tmp_path / "huge.png")
    monkeypatch.setattr("cnnguide.images.MOST_PIXELS", 30)
    with pytest.raises(ValueError, match=r"whole.png has 8 x 5 pixels; make it smaller first"):
        load(tmp_path / "whole.png")
    with pytest.raises(FileNotFoundError, match="there is no picture at"):
        load(tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError, match="there is no picture at"):
        load(tmp_path)


def head_of_a_png(side, body=b"", depth=8, kind=2):
    """A few bytes that say that there are side x side pixels, and those pixels, if they are given."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(body)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])  # gray, RGB, and both with alpha
def test_pngs_of_16_bits_are_refused_and_those_of_8_are_read(tmp_path, kind, channels):
    for depth in (8, 16):
        rows = (b"\0" + bytes(2 * channels * depth // 8)) * 2
        (tmp_path / f"{depth}.png").write_bytes(head_of_a_png(2, rows, depth, kind))
    assert load(tmp_path / "8.png").shape == (3, 2, 2)
    with pytest.raises(ValueError, match=r"16.png has more than 8 bits per colour; save it with 8"):
        load(tmp_path / "16.png")


def tiff(bits):
    """Two by two pixels in red, green and blue."""
    entries = [
        (256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, 122), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 128),
        (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, 12 * bits // 8),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return head + struct.pack("<HHH", bits, bits, bits) + bytes(12 * bits // 8)


def test_tiffs_and_ppms_of_more_than_8_bits_are_refused(tmp_path):
    for name, content in (
        ("deep.tiff", tiff(16)), ("deep.ppm", b"P6 2 2 65535\n" + bytes(24)), ("ten.ppm", b"P6 2 2 1023\n" + bytes(24)),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} has more than 8 bits per colour"):
            load(tmp_path / name)
    for name, content in (
        ("a.tiff", tiff(8)),
        ("a.ppm", b"P6 2 2 255\n" + bytes(12)),
        ("b.ppm", b"P6 2 2 7\n" + bytes(12)),
    ):
        (tmp_path / name).write_bytes(content)
        assert (load(tmp_path / name) == np.zeros((3, 2, 2))).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("ending", ["png", "bmp", "ico", "sgi", "tiff", "gif", "ppm", "tga", "jpg"])
def test_a_damaged_picture_of_any_format_is_refused_by_name(tmp_path, ending):
    path = tmp_path / f"bad.{ending}"
    Image.fromarray(PIXELS).save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    places = range(len(whole)) if len(whole) < 600 else range(300)
    damaged = [whole[:place] + bytes([rng.integers(256)]) + whole[place + 1 :] for place in places]
    for content in (*damaged, *(whole[:length] for length in range(0, len(whole), 7)), whole[:2]):
        path.write_bytes(content)
        try:
            load(path)
        except ValueError as error:
            assert str(path) in str(error)


def test_a_damaged_picture_is_refused_wherever_the_damage_is(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    for place in range(len(whole)):
        (tmp_path / "bad.png").write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            load(tmp_path / "bad.png")
        except ValueError as error:
            assert "bad.png" in str(error)


def test_the_preview_in_a_phones_jpeg_is_no_animation(tmp_path):
    photo, preview = Image.new("RGB", (16, 8), "red"), Image.new("RGB", (4, 2), "red")
    photo.save(tmp_path / "phone.mpo", save_all=True, append_images=[preview])
    (tmp_path / "phone.mpo").rename(tmp_path / "phone.jpg")
    assert load(tmp_path / "phone.jpg").shape == (3, 8, 16)


def test_without_pillow_it_says_what_to_install(tmp_path, monkeypatch):
    Image.fromarray(PIXELS).save(tmp_path / "whole.png")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r'need Pillow: pip install "cnnguide\[photos\]"'):
        load(tmp_path / "whole.png")


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        disk(0, radius=1)
    with pytest.raises(ValueError, match="radius must be at least 0, got nan"):
        disk(5, radius=float("nan"))
    with pytest.raises(ValueError, match="field must be at least 1, got 0"):
        checkerboard(4, field=0)


def test_a_color_grid_is_gray_between_its_lines_and_as_bright_as_the_photo():
    photo = coffee()
    grid = color_grid(photo, spacing=8, width=2, saturation=1.0)
    lines = np.zeros(photo.shape[1:], bool)
    for first in (0, 1):
        lines[first::8], lines[:, first::8] = True, True
    assert (np.ptp(grid, axis=0)[~lines] == 0).all()
    np.testing.assert_allclose(grid[:, lines], photo[:, lines], atol=1e-6)
    np.testing.assert_allclose(luma(grid), luma(photo), atol=1e-6)
    assert grid.dtype == photo.dtype and grid.min() >= 0 and color_grid(photo, saturation=9).max() <= 1
    with pytest.raises(TypeError, match="image must hold floats from 0 to 1, got uint8; divide bytes by 255"):
        color_grid((255 * photo).astype(np.uint8))
    with pytest.raises(ValueError, match="lines 9 pixels wide do not fit into a spacing of 8; use at most 8"):
        color_grid(photo, width=9)


def test_what_is_saved_can_be_loaded(tmp_path):
    for image in (coffee(), luma(coffee())):
        save(tmp_path / "picture.png", image)
        np.testing.assert_allclose(
            load(tmp_path / "picture.png"), np.broadcast_to(image, (3, 107, 160)), atol=0.5 / 255 + 1e-6
        )
    save(tmp_path / "clipped.png", np.array([[-1.0, 0.5, 7.0]]))
    assert np.round(255 * load(tmp_path / "clipped.png")[0, 0]).tolist() == [0, 128, 255]


def test_what_a_format_cannot_hold_leaves_the_file_that_was_there(tmp_path):
    for name in ("old.palm", "old.nothing"):
        (tmp_path / name).write_bytes(b"old")
        with pytest.raises(ValueError, match=rf"{name} .*; try .png"):
            save(tmp_path / name, np.zeros((4, 4)))
        assert (tmp_path / name).read_bytes() == b"old"
    save(str(tmp_path / "A.PNG"), np.zeros((4, 4)))
    assert load(tmp_path / "A.PNG").shape == (3, 4, 4)


def test_lists_are_pictures_as_well():
    photo = coffee()[:, :6, :8]
    np.testing.assert_array_equal(luma(photo.tolist()), luma(photo.astype(float)))
    np.testing.assert_array_equal(color_grid(photo.tolist()), color_grid(photo.astype(float)))
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\), got shape \(2, 1\)"):
        luma([[1.0], [2.0]])


def test_bytes_are_not_saved_as_if_they_were_brightness(tmp_path):
    with pytest.raises(TypeError, match="image must hold floats from 0 to 1, got uint8; divide bytes by 255"):
        save(tmp_path / "a.png", np.full((4, 4), 100, np.uint8))


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        ("a.png", np.zeros((4, 4, 3)), r"must be \(H, W\) or \(3, H, W\) and not empty, got shape \(4, 4, 3\)"),
        ("a.png", np.zeros((0, 4)), "not empty"),
        ("a.png", np.full((2, 2), np.nan), "image holds NaN"),
        ("a.nothing", np.zeros((2, 2)), "does not end in a format that can be written; try .png"),
        ("a", np.zeros((2, 2)), "does not end in a format"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_leaves_no_file(tmp_path, name, image, message):
    with pytest.raises(ValueError, match=message):
        save(tmp_path / name, image)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (40, 23)])
@pytest.mark.parametrize("size", [1, 7, (64, 17), (16, 90)])
def test_resize_is_that_of_pytorch_with_its_antialiasing(torch, shape, size):
    image = np.random.default_rng(0).random((3, *shape))
    wanted = torch.nn.functional.interpolate(
        torch.tensor(image[None]), size if isinstance(size, tuple) else (size, size), mode="bilinear", antialias=True
    )
    np.testing.assert_allclose(resize(image, size), wanted[0].numpy(), atol=1e-7)


def test_resize_keeps_the_type_the_mean_of_stripes_and_what_has_the_size_already():
    stripes = np.tile(np.arange(64, dtype=np.float32) % 2, (64, 1))
    assert resize(stripes, 16).dtype == np.float32
    np.testing.assert_allclose(resize(stripes, 16)[:, 1:-1], 0.5, atol=1e-6)  # at the border, windows are cut off
    np.testing.assert_array_equal(resize(stripes, 64), stripes)


def test_resize_refuses_what_is_no_size_and_no_picture():
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        resize(np.zeros((3, 3)), (3, 0))
    with pytest.raises(ValueError, match=r"image must be \(..., H, W\) with at least one pixel, got shape \(3,\)"):
        resize(np.zeros(3), 2)


def test_the_photos_are_those_of_scikit_image():
    from skimage import data

    for name, source in PHOTOS.items():
        original = getattr(data, source)() / 255
        side = min(original.shape[:2])
        top, left = ((length - side) // 2 for length in original.shape[:2])
        square = np.moveaxis(original[top : top + side, left : left + side], 2, 0)
        ours = photo(name)
        assert ours.shape == (3, 224, 224) and ours.dtype == np.float32
        assert abs(resize(square, 224) - ours).mean() < 0.02  # another filter
    with pytest.raises(
        ValueError, match="photo must be one of coffee, cat, astronaut, rocket; got 'rokket', did you mean 'rocket'"
    ):
        photo("rokket")
