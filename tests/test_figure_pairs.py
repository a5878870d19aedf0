"""Images of figures: both schemes, their size, and no image without an alt text."""

import re

import markdown
import pytest


def render(text, folder):
    return markdown.markdown(
        text,
        extensions=["attr_list", "pymdownx.blocks.caption", "guide.figure_pairs"],
        extension_configs={"guide.figure_pairs": {"folder": str(folder)}},
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fence-light.svg").write_text('<?xml?>\n<svg width="504pt" height="172.8pt" viewBox="0 0 1 1"></svg>')
    return tmp_path


def test_a_figure_becomes_a_light_and_a_dark_image_of_known_size(folder):
    html = render("![a fence](../figures/fence-light.svg)", folder)
    images = re.findall("<img [^>]*>", html)
    assert ["fence-light.svg#only-light" in images[0], "fence-dark.svg#only-dark" in images[1]] == [True, True]
    for image in images:
        assert 'alt="a fence"' in image and 'width="672"' in image and 'height="230"' in image


def test_attributes_of_the_page_are_kept_and_ids_stay_unique(folder):
    html = render("![a](figures/fence-light.svg){ #f width=300 }", folder)
    assert html.count('id="f"') == 1 and html.count('width="300"') == 2 and "672" not in html


def test_captions_and_neighbours_stay_in_place(folder):
    html = render("one ![a](figures/fence-light.svg) two\n\n/// caption\nthe caption\n///", folder)
    assert re.sub("<img [^>]*>", "IMG", html).replace("\n", "") == (
        "<figure><p>one IMGIMG two</p><figcaption><p>the caption</p></figcaption></figure>"
    )


def test_other_images_are_left_alone(folder):
    assert render("![a photo](photo.png)", folder) == '<p><img alt="a photo" src="photo.png" /></p>'


@pytest.mark.parametrize("text", ["![](../figures/fence-light.svg)", "![ ](photo.png)"])
def test_an_image_without_an_alt_text_stops_the_build(folder, text):
    with pytest.raises(ValueError, match=r"the image '.*' has no alt text; say in its square brackets what it shows"):
        render(text, folder)
