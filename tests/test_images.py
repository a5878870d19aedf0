"""Test images against what their formula promises."""

import numpy as np
import pytest

from cnnguide import disk


def test_a_disk_has_the_area_of_a_circle_and_its_symmetries():
    image = disk(65, radius=20)
    assert image.sum() == pytest.approx(np.pi * 20**2, rel=0.005)
    for turned in (image.T, image[::-1], image[:, ::-1]):
        np.testing.assert_array_equal(image, turned)


def test_bad_disks_are_named():
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        disk(0, radius=1)
    with pytest.raises(ValueError, match="radius must be at least 0, got -1"):
        disk(5, radius=-1)
    with pytest.raises(ValueError, match="radius must be at least 0, got nan"):
        disk(5, radius=float("nan"))
