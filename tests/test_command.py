"""The command `cnnguide`: what it prints, and how it refuses."""

import subprocess
import sys

import pytest

from cnnguide.__main__ import main


def test_sizes_prints_the_chain_and_counts_convolutions_not_sizes(capsys):
    assert main(["sizes", "7", "--kernel", "3"]) == 0
    assert capsys.readouterr().out == "7x7 > 5x5 > 3x3 > 1x1\nconvolutions: 3\n"
    assert main(["sizes", "199"]) == 0
    assert capsys.readouterr().out.endswith("\nconvolutions: 99\n")


def test_receptive_field_prints_the_published_field_of_alexnet(capsys):
    assert main(["receptive-field", "alexnet"]) == 0  # Araujo et al. (2019), table 1
    assert capsys.readouterr().out == "size: 195\nstride: 32\npadding: 64\n"


def test_values_that_do_not_fit_exit_with_1_and_a_message(capsys):
    assert main(["sizes", "0"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err == "cnnguide sizes: size must be at least 1, got 0\n"


@pytest.mark.parametrize("arguments", [[], ["sizes"], ["sizes", "seven"], ["receptive-field", "vgg"]])
def test_malformed_commands_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2 and "usage: cnnguide" in capsys.readouterr().err


def test_python_m_cnnguide_runs():
    done = subprocess.run([sys.executable, "-m", "cnnguide", "sizes", "3"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "3x3 > 1x1\nconvolutions: 1\n")
