"""The command `cnnguide`: what it prints, and how it refuses."""

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import cnnguide
from cnnguide import SOBEL_X, apply_filter, coffee, disk, load, luma, save
from cnnguide.__main__ import KERNELS, main
from tests.conftest import ROOT


def test_sizes_prints_the_chain_and_counts_convolutions_not_sizes(capsys):
    assert main(["sizes", "7", "--kernel", "3"]) == 0
    assert capsys.readouterr().out == "7x7 > 5x5 > 3x3 > 1x1\nconvolutions: 3\n"
    assert main(["sizes", "199"]) == 0
    assert capsys.readouterr().out.endswith("\nconvolutions: 99\n")


def test_receptive_field_prints_the_published_field_of_alexnet(capsys):
    assert main(["receptive-field", "alexnet"]) == 0  # Araujo et al. (2019), table 1
    assert capsys.readouterr().out == "size: 195\nstride: 32\npadding: 64\n"


def test_what_remains_is_said(capsys):
    assert main(["sizes", "8"]) == 0
    assert capsys.readouterr().out.endswith("2x2\nconvolutions: 3\n2x2 remains: the next window does not fit\n")
    assert main(["sizes", "10", "--kernel", "20"]) == 0
    assert capsys.readouterr().out == "10x10\nconvolutions: 0\n10x10 remains: the next window does not fit\n"


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["--version"])
    assert exit.value.code == 0 and capsys.readouterr().out == f"cnnguide {cnnguide.__version__}\n"


def test_a_reader_who_has_seen_enough_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "cnnguide", "sizes", "199999"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.read(20)
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait() == 0


def test_values_that_do_not_fit_exit_with_1_and_a_message(capsys):
    assert main(["sizes", "0"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err == "cnnguide sizes: size must be at least 1, got 0\n"


def test_a_list_that_nobody_can_read_is_refused(capsys):
    assert main(["sizes", "10000000000"]) == 1
    message = "size must be at most 1000000, got 10000000000: the list would be too long"
    assert capsys.readouterr() == ("", f"cnnguide sizes: {message}\n")
    assert main(["sizes", "1000000"]) == 0 and "convolutions: 499999\n" in capsys.readouterr().out


def test_a_closed_output_is_no_error():
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m cnnguide sizes 9 >&-", shell=True, stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["sizes"], ["sizes", "seven"], ["receptive-field", "vgg"]])
def test_malformed_commands_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2 and "usage: cnnguide" in capsys.readouterr().err


def test_python_m_cnnguide_runs():
    done = subprocess.run([sys.executable, "-m", "cnnguide", "sizes", "3"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "3x3 > 1x1\nconvolutions: 1\n")


def test_filter_writes_the_answers_with_zero_at_mid_gray(tmp_path, capsys):
    save(tmp_path / "photo.png", coffee())
    assert main(["filter", str(tmp_path / "photo.png"), "--kernel", "sobel-x", "-o", str(tmp_path / "edges.png")]) == 0
    assert "edges.png: 160 x 107 pixels, mid-grey is 0, black is -" in capsys.readouterr().out
    answers = apply_filter(luma(load(tmp_path / "photo.png")), SOBEL_X)
    wanted = 0.5 + answers / (2 * abs(answers).max())
    np.testing.assert_allclose(load(tmp_path / "edges.png")[0], wanted, atol=1 / 255)


@pytest.mark.parametrize("kernel", [*KERNELS, "steepness"])
def test_every_kernel_filters_even_a_picture_without_any_edge(tmp_path, kernel):
    for name, image in (("flat", np.full((4, 5), 0.5)), ("disk", disk(12, radius=4))):
        save(tmp_path / f"{name}.png", image)
        assert main(["filter", str(tmp_path / f"{name}.png"), "--kernel", kernel, "-o", str(tmp_path / "out.png")]) == 0
        assert np.isfinite(load(tmp_path / "out.png")).all()


@pytest.mark.parametrize("kernel", ["sobel-x", "sobel-y", "scharr-y", "laplacian", "laplacian-8", "steepness"])
@pytest.mark.parametrize("brightness", [0.0, 0.1, 100 / 255, 1.0])
def test_where_a_picture_is_flat_rounding_is_not_stretched_to_an_image(tmp_path, capsys, kernel, brightness):
    save(tmp_path / "flat.png", np.full((4, 5), brightness))
    assert main(["filter", str(tmp_path / "flat.png"), "--kernel", kernel, "-o", str(tmp_path / "out.png")]) == 0
    assert (np.round(255 * load(tmp_path / "out.png")) == (0 if kernel == "steepness" else 128)).all()
    assert capsys.readouterr().out.endswith("white is 1\n")


def test_what_cannot_be_filtered_is_named(tmp_path, capsys):
    assert main(["filter", str(tmp_path / "none.png"), "--kernel", "box", "-o", "out.png"]) == 1
    assert "cnnguide filter: there is no picture at" in capsys.readouterr().err
    save(tmp_path / "disk.png", disk(8, radius=2))
    assert main(["filter", str(tmp_path / "disk.png"), "--kernel", "box", "-o", str(tmp_path / "out.xyz")]) == 1
    assert "does not end in a format that can be written" in capsys.readouterr().err
    assert main(["filter", str(tmp_path / "disk.png"), "--kernel", "box", "-o", str(tmp_path / "no/out.png")]) == 1
    assert capsys.readouterr().err == f"cnnguide filter: {tmp_path}/no/out.png: No such file or directory\n"
    (tmp_path / "torn.ppm").write_bytes(b"P6")
    assert main(["filter", str(tmp_path / "torn.ppm"), "--kernel", "box", "-o", str(tmp_path / "out.png")]) == 1
    assert "torn.ppm is not a readable picture, or is damaged" in capsys.readouterr().err
    before = (tmp_path / "disk.png").read_bytes()
    assert main(["filter", str(tmp_path / "disk.png"), "--kernel", "box", "-o", str(tmp_path / "disk.png")]) == 1
    assert "is the photo itself" in capsys.readouterr().err and (tmp_path / "disk.png").read_bytes() == before
    with pytest.raises(SystemExit) as stopped:
        main(["filter", str(tmp_path / "disk.png"), "--kernel", "sobel", "-o", "out.png"])
    assert stopped.value.code == 2 and "sobel-y" in capsys.readouterr().err


PAGE = (ROOT / "docs/reference/command.md").read_text("utf-8")
SHOWN = re.findall(r"```bash\n(python -m cnnguide .*?)\n```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_shows_every_command():
    assert {shlex.split(command)[3] for command, _ in SHOWN} >= {"sizes", "receptive-field", "filter", "--help"}


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_the_outputs_on_the_page_are_true(command, output, tmp_path):
    save(tmp_path / "photo.png", coffee())
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]], capture_output=True, text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "80", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.stdout + done.stderr).split() == output.split()
