"""Letters and pages against what their settings promise; IDX files against files made by hand."""

import gzip
import struct
import time
import warnings

import numpy as np
import pytest

from cnnguide import (
    ALPHABET,
    FAMILIES,
    FONTS,
    HELD_OUT_FAMILIES,
    HELD_OUT_FONTS,
    HELD_OUT_STYLES,
    TRAINING_FONTS,
    Conv2d,
    Linear,
    accuracy,
    draw_letters,
    draw_page,
    letters_network,
    load_idx,
    match_template,
    split_letters,
    trained_letters_network,
)
from cnnguide.letters import DATA
from guide.makers import letters_network as letters_network_command
from guide.makers import masters as masters_command

PLAIN = dict(scale=(1, 1), shear=(0, 0), rotation=(0, 0), shift=(0, 0))
TEXT = (
    "a kernel slides over the page and answers at every place how well the letter below it fits so the e channel lights "
    "up wherever there is an e between these words and nowhere else even here\nwhere the letters c and o nearly deceive it"
)


def moments(image):
    """Ink, centre (row, column) and spread of an image."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    ink = image.sum()
    row, column = (rows * image).sum() / ink, (columns * image).sum() / ink
    mixed = ((rows - row) * (columns - column) * image).sum() / ink
    return ink, row, column, mixed, ((rows - row) ** 2 * image).sum() / ink


def one(letter="o", font="DejaVuSans", size=64, **settings):
    x, _ = draw_letters(1, np.random.default_rng(0), letter, [font], size, **(PLAIN | settings))
    return x[0, 0]


def test_a_data_set_has_every_letter_equally_often_and_the_right_values():
    x, target = draw_letters(3, np.random.default_rng(0))
    assert x.shape == (78, 1, 20, 20) and x.dtype == np.float32
    assert np.bincount(target).tolist() == [3] * 26
    assert x.min() == 0 and 0.9 < x.max() <= 1 + 1e-6
    assert (x.reshape(78, -1).sum(axis=1) > 5).all()


def test_the_same_generator_draws_the_same_letters_and_another_others():
    first, second, other = (draw_letters(2, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert abs(first - other).mean() > 0.02


def test_five_thousand_letters_take_about_a_second():
    started = time.process_time()
    x, _ = draw_letters(200, np.random.default_rng(0))
    assert len(x) == 5200 and time.process_time() - started < 4  # slow machines are not to blame


def test_unvaried_letters_are_the_masters():
    from cnnguide.letters import EM, SIDE, _masters

    drawn = one("R", size=SIDE, scale=(EM / SIDE, EM / SIDE))
    master = _masters()[FONTS.index("DejaVuSans"), ALPHABET.index("R")]
    assert abs(drawn - master).max() < 0.5 and np.corrcoef(drawn.ravel(), master.ravel())[0, 1] > 0.99


def test_half_the_scale_has_a_quarter_of_the_ink():
    assert moments(one(scale=(0.5, 0.5)))[0] == pytest.approx(moments(one())[0] / 4, rel=0.02)


def test_a_shift_moves_the_centre_and_nothing_else():
    ink, row, column, *_ = moments(one(scale=(0.5, 0.5)))
    moved = moments(one(scale=(0.5, 0.5), shift=(5, 5)))
    assert moved[:3] == (
        pytest.approx(ink, rel=0.01),
        pytest.approx(row + 5, abs=0.1),
        pytest.approx(column + 5, abs=0.1),
    )


def test_a_positive_shear_slants_to_the_right():
    _, _, _, mixed, variance = moments(one("l", scale=(0.6, 0.6)))
    slanted = moments(one("l", scale=(0.6, 0.6), shear=(0.3, 0.3)))
    assert slanted[3] / slanted[4] == pytest.approx(mixed / variance - 0.3, abs=0.02)  # right as it goes up


def test_a_rotation_turns_to_the_left():
    *_, mixed, variance = moments(one("l", scale=(0.6, 0.6), rotation=(10, 10)))
    assert mixed / variance == pytest.approx(np.tan(np.radians(10)), abs=0.02)  # a turned l leans to the left


def test_noise_has_the_spread_that_was_asked_for():
    clean, noisy = (draw_letters(5, np.random.default_rng(0), noise=noise)[0] for noise in (0, 0.2))
    assert (noisy - clean).std() == pytest.approx(0.2, rel=0.01)
    assert noisy.dtype == np.float32


def test_fonts_differ_and_can_be_held_out():
    assert len(FONTS) == len(set(FONTS)) == sum(map(len, FAMILIES.values()))
    images = [one(font=font, letter="g") for font in FONTS]
    for n, image in enumerate(images):
        assert all(abs(image - other).max() > 0.5 for other in images[:n])


def test_the_masters_are_what_the_documented_command_draws():
    """Only the fonts that matplotlib brings are surely installed; of the others, those that are."""
    from cnnguide.letters import _masters

    assert "python -m guide.makers.masters" in (DATA / "README.md").read_text("utf-8")
    installed = []
    for font in FONTS:
        try:
            installed.append((font, masters_command.find_font(font)))
        except FileNotFoundError as error:
            assert "fonts-lato" in str(error) and not font.startswith("DejaVu")
    drawn, _ = masters_command.draw_masters(file for _, file in installed)
    for (font, _), letters in zip(installed, drawn, strict=True):
        shipped = _masters()[FONTS.index(font)]
        # Versions of FreeType round edges differently.
        assert np.corrcoef(shipped.ravel(), letters.ravel())[0, 1] > 0.99, font


def test_every_family_has_its_licence_beside_the_masters():
    notices = (DATA / "LICENSE_FONTS").read_text("utf-8")
    for family in FAMILIES:
        assert family == "DejaVu" or f"\n{family}\n{'-' * len(family)}\n" in notices
    assert "SIL OPEN FONT LICENSE Version 1.1" in notices and "Apache License" in notices
    assert (DATA / "LICENSE_DEJAVU").is_file()


def test_a_split_trains_on_some_fonts_and_keeps_the_others(monkeypatch):
    drawn = []

    def spy(*arguments, fonts, **settings):
        drawn.append(set(fonts))
        return draw_letters(*arguments, fonts=fonts, **settings)

    monkeypatch.setattr("cnnguide.letters.draw_letters", spy)
    fonts = dict(zip(split_letters(1, np.random.default_rng(0)), drawn, strict=True))
    kept = fonts.pop("fonts")
    styles = fonts.pop("styles")
    assert kept == {font for family in HELD_OUT_FAMILIES for font in FAMILIES[family]}  # whole families
    assert styles == set(HELD_OUT_STYLES) and styles < set(FAMILIES["DejaVu"])
    for name, seen in fonts.items():
        assert seen == set(TRAINING_FONTS) and seen | kept | styles == set(FONTS) and not seen & (kept | styles), name


def test_a_split_holds_out_what_it_says_and_shares_no_letter():
    parts = split_letters(3, np.random.default_rng(0), rotation=(0, 0), shift=(0, 0))
    ink = {name: x.reshape(len(x), -1).sum(axis=1) for name, (x, _) in parts.items()}
    assert ink["sizes"].mean() < 0.6 * ink["validation"].mean()
    lean = {}
    for name, (x, target) in parts.items():
        pairs = [moments(image[0]) for image in x[target == ALPHABET.index("l")]]
        lean[name] = np.mean([mixed / variance for *_, mixed, variance in pairs])
    assert lean["slants"] < lean["train"] - 0.15  # further to the right on the way up
    images = {name: {image.tobytes() for image in x} for name, (x, _) in parts.items()}
    assert len(set.union(*images.values())) == sum(map(len, images.values()))
    with pytest.raises(ValueError, match="the split itself chooses fonts, scale"):
        split_letters(1, np.random.default_rng(0), fonts=FONTS, scale=(1, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(alphabet="aß"), "there is no letter 'ß'; there are a, b"),
        (dict(alphabet=""), "at least one letter is needed"),
        (dict(fonts=["Arial"]), "there is no font 'Arial'; there are DejaVuSans,"),
        (dict(scale=(0, 1)), r"scale must be \(low, high\) above 0, got \(0, 1\)"),
        (dict(shear=(1, 0)), r"shear must be \(low, high\), got \(1, 0\)"),
        (dict(scale=1.0), r"scale must be \(low, high\) above 0, got 1.0"),
        (dict(shift=(1, 2, 3)), r"shift must be \(low, high\), got \(1, 2, 3\)"),
        (dict(rotation=(0, np.inf)), r"rotation must be \(low, high\), got \(0, inf\)"),
        (dict(shear=(np.nan, 0)), r"shear must be \(low, high\), got \(nan, 0\)"),
        (dict(noise=np.nan), "noise must be at least 0 and finite, got nan"),
        (dict(per_letter=0), "per_letter must be at least 1, got 0"),
        (dict(size=0), "size must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        draw_letters(**dict(per_letter=1, rng=np.random.default_rng(0)) | settings)


# Pages


def test_a_page_holds_the_text_in_reading_order():
    page = draw_page(TEXT)
    assert "".join(glyph.letter for glyph in page.glyphs) == TEXT.replace(" ", "").replace("\n", "")
    places = [(glyph.row, glyph.column) for glyph in page.glyphs]
    assert places == sorted(places) and len(set(places)) == len(places)
    assert page.image.shape[1] == 640 and page.image.dtype == np.float32
    assert 0 == page.image.min() < page.image.max() <= 1 + 1e-6


def crop(page, glyph, half):
    return page.image[glyph.row - half : glyph.row + half + 1, glyph.column - half : glyph.column + half + 1]


def test_every_letter_stands_where_the_page_says():
    page = draw_page("o o o\nx x", em=24, width=200)
    for glyph in page.glyphs:
        _, row, column, *_ = moments(crop(page, glyph, 10))
        assert (row, column) == (pytest.approx(10, abs=1.5), pytest.approx(10, abs=1))


def find_e(page, template, threshold=0.9):
    """Where the template fits, as centres, each place once."""
    half_r, half_c = template.shape[0] // 2, template.shape[1] // 2
    fit_map = match_template(page.image, template)
    found = set()
    for r, c in zip(*np.nonzero(fit_map > threshold), strict=True):
        near = fit_map[max(r - 3, 0) : r + 4, max(c - 3, 0) : c + 4]
        if fit_map[r, c] == near.max():
            found.add((int(r) + half_r, int(c) + half_c))
    return found


def test_one_template_finds_every_e_of_its_own_size_and_none_of_another():
    page = draw_page(TEXT, em=16)
    first = next(glyph for glyph in page.glyphs if glyph.letter == "e")
    template = crop(page, first, 5)[:, 1:-1]
    wanted = {(glyph.row, glyph.column) for glyph in page.glyphs if glyph.letter == "e"}
    assert find_e(page, template) == wanted and len(wanted) > 20  # precision and recall 1
    for other in (draw_page(TEXT, em=20), draw_page(TEXT, em=12), draw_page(TEXT, em=16, shear=0.4)):
        assert len(find_e(other, template)) < 0.2 * len(wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(text="Hello, world"), "letters and white space only, got ','"),
        (dict(text="x" * 99, width=100), "pixels wide and the line only 68"),
        (dict(text="a", em=0), "em must be above 0"),
        (dict(text="a", em=np.inf), "em must be above 0 and finite, got inf"),
        (dict(text="a", shear=np.nan), "shear must be finite, got nan"),
        (dict(text="a", margin=-1), "margin must be at least 0, got -1"),
        (dict(text="a", font="Times"), "there is no font 'Times'"),
    ],
)
def test_bad_pages_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_page(**arguments)


def test_an_empty_page_is_paper():
    page = draw_page("")
    assert page.glyphs == () and page.image.max() == 0


# Learning


def test_a_small_network_reads_foreign_families_but_not_a_script_and_the_shipped_weights_as_much(reader):
    shipped = trained_letters_network()
    script = FAMILIES["Dancing Script"]
    foreign = [font for font in HELD_OUT_FONTS if font not in script]
    kinds = ((TRAINING_FONTS, 0.96, 1.0), (HELD_OUT_STYLES, 0.96, 1.0), (foreign, 0.94, 0.99), (script, 0.2, 0.6))
    for place, (fonts, least, most) in enumerate(kinds):
        letters = draw_letters(100, np.random.default_rng(place), fonts=fonts)
        assert least < accuracy(reader, letters) < most and least < accuracy(shipped, letters) < most
        assert accuracy(shipped, letters) == pytest.approx(accuracy(reader, letters), abs=0.005)


def test_the_documented_command_writes_the_weights_that_come_with_the_package(reader, tmp_path, monkeypatch):
    assert "python -m guide.makers.letters_network" in (DATA / "README.md").read_text("utf-8")
    monkeypatch.setattr(letters_network_command, "WEIGHTS", tmp_path / "weights.npz")
    monkeypatch.setattr(letters_network_command, "train_letters_network", lambda rng: (reader, None))
    letters_network_command.main()
    written, shipped = letters_network(np.random.default_rng(1)), trained_letters_network()
    written.load(tmp_path / "weights.npz")
    for ours, theirs in zip(written.layers, shipped.layers, strict=True):
        if isinstance(ours, (Conv2d, Linear)):
            # The same recipe from the same seed; only rounding, which differs between machines, drives the two apart.
            # Weights from another seed correlate by less than 0.3.
            assert np.corrcoef(ours.weight.ravel(), theirs.weight.ravel())[0, 1] > 0.8
    assert (DATA / "letters_network.npz").stat().st_size < 50_000


def test_a_bank_of_templates_repairs_what_one_cannot_find():
    """Five sizes and three slants, the best of them at each place: recall at a size that is not in the bank, too."""

    def template(em, shear):
        page = draw_page("e", em=em, width=80, shear=shear)
        return crop(page, page.glyphs[0], round(0.34 * em))

    bank = [template(em, shear) for em in (12, 14, 16, 18, 20) for shear in (0, 0.2, 0.4)]
    for em, shear in ((16, 0), (13, 0), (16, 0.4), (19, 0.1)):
        page = draw_page(TEXT, em=em, shear=shear)
        wanted = [(glyph.row, glyph.column) for glyph in page.glyphs if glyph.letter == "e"]
        found = set().union(*(find_e(page, one, threshold=0.85) for one in bank))
        hit = [any(max(abs(r - row), abs(c - column)) <= 2 for row, column in found) for r, c in wanted]
        right = [any(max(abs(r - row), abs(c - column)) <= 2 for row, column in wanted) for r, c in found]
        assert np.mean(hit) > 0.95 and np.mean(right) > 0.95, (em, shear, np.mean(hit), np.mean(right))


# IDX


def idx(kind, shape, body):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(0x08, np.uint8), (0x09, np.int8), (0x0B, np.int16), (0x0C, np.int32), (0x0D, np.float32), (0x0E, np.float64)],
)
def test_idx_files_of_every_type(tmp_path, kind, dtype, packed):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    content = idx(kind, array.shape, array.astype(np.dtype(dtype).newbyteorder(">")).tobytes())
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if packed else content)
    loaded = load_idx(path)
    assert loaded.dtype == dtype and loaded.dtype.isnative
    np.testing.assert_array_equal(loaded, array)


def test_a_missing_idx_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images"):
        load_idx(tmp_path / "train-images.idx")


def test_a_damaged_packed_file_is_refused_wherever_the_damage_is(tmp_path):
    content = gzip.compress(idx(8, (20, 3), bytes(range(60))))
    for place in range(len(content)):
        (tmp_path / "file.gz").write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        try:
            loaded = load_idx(tmp_path / "file.gz")
        except ValueError as error:
            assert "file.gz" in str(error)
        else:  # where nothing depends on it, such as the time in the head
            np.testing.assert_array_equal(loaded.ravel(), np.arange(60))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file: it begins with nothing"),
        (b"\x89PNG....", "is not an IDX file: it begins with 89 50 4e 47"),
        (bytes([0, 0, 7, 1]), "is not an IDX file: it begins with 00 00 07 01"),
        (bytes([0, 0, 8, 3, 0, 0]), "is cut off: its head needs 16 bytes, but there are 6"),
        (idx(8, (2, 3), b"12345"), "2 x 3 entries of 1 bytes, 6 in all, but 5 follow"),
        (idx(8, (2, 3), b"1234567"), "6 in all, but 7 follow"),
        (idx(8, (2**32 - 1,) * 3, b""), "but 0 follow"),
        (idx(8, (), b"7"), "has no axes; an IDX file has at least one"),
        (idx(8, (1,) * 200, b"7"), "says that it has 200 axes"),
        (idx(8, (0, 2**32 - 1, 2**32 - 1), b""), "says that it has 3 axes, of .0, 4294967295, 4294967295"),
        (gzip.compress(idx(8, (2, 3), b"123456"), mtime=0)[:-5], "is cut off or damaged"),
    ],
)
def test_broken_idx_files_are_refused_by_name(tmp_path, content, message):
    (tmp_path / "file.idx").write_bytes(content)
    with pytest.raises(ValueError, match=f"file.idx.*{message}"):
        load_idx(tmp_path / "file.idx")


def test_letters_stored_as_emnist_stores_them_are_put_right(tmp_path):
    x, _ = draw_letters(1, np.random.default_rng(0))
    images = np.round(255 * x[:, 0]).astype(np.uint8)
    stored = images.swapaxes(1, 2).tobytes()
    path = tmp_path / "EMNIST-letters-test-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", *images.shape) + stored)
    np.testing.assert_array_equal(load_idx(path, transposed=True), images)
    with pytest.warns(
        UserWarning, match="EMNIST, whose images are stored with rows and columns exchanged.*transposed=True"
    ):
        np.testing.assert_array_equal(load_idx(path), images.swapaxes(1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_idx(path, transposed=False)
        path.with_name("emnist-labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 5]))
        assert load_idx(path.with_name("emnist-labels")).tolist() == [5]
    with pytest.raises(ValueError, match=r"holds 1 axes, not images \(N, height, width\)"):
        load_idx(path.with_name("emnist-labels"), transposed=True)
