"""The widgets' random numbers: the published generator, the right distributions, and nothing shared between seeds."""

import numpy as np
import pytest
from scipy import stats

WORD = 2**32


def sfc32(seed: int, count: int) -> list[int]:
    """The generator as PractRand defines it, in Python's whole numbers."""

    def mixed(word: int) -> int:
        word = (word ^ word >> 16) * 0x85EBCA6B % WORD
        word = (word ^ word >> 13) * 0xC2B2AE35 % WORD
        return word ^ word >> 16

    a, b, c = (mixed((seed + place * 0x9E3779B9) % WORD) for place in (1, 2, 3))
    words = []
    for counter in range(1, count + 13):
        words.append((a + b + counter) % WORD)
        a, b, c = b ^ b >> 9, (c + (c << 3)) % WORD, ((c << 21 | c >> 11) + words[-1]) % WORD
    return words[12:]


DRAW = """({ Random }, [seed, kind, count]) => {
    const random = new Random(seed);
    return Array.from({ length: count }, () => random[kind]());
}"""


@pytest.mark.parametrize("seed", [0, 1, 2, 12345, WORD - 1])
def test_bits_are_those_of_the_published_generator(core, seed):
    assert core("random", DRAW, [seed, "bits", 1000]) == sfc32(seed, 1000)


@pytest.mark.parametrize(
    ("kind", "distribution"), [("uniform", stats.uniform()), ("normal", stats.norm())], ids=["uniform", "normal"]
)
@pytest.mark.parametrize("seed", [0, 1, 99])
def test_numbers_have_their_distribution(core, kind, distribution, seed):
    drawn = np.array(core("random", DRAW, [seed, kind, 200_000]))
    assert stats.kstest(drawn, distribution.cdf).pvalue > 1e-3
    wanted = distribution.stats("mvsk")
    found = (drawn.mean(), drawn.var(), stats.skew(drawn), stats.kurtosis(drawn))
    np.testing.assert_allclose(found, wanted, atol=0.04)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01  # the pairs of the polar method, too


def test_seeds_share_nothing(core):
    streams = np.array([core("random", DRAW, [seed, "normal", 20_000]) for seed in (0, 1, 2, 3, 2**31)])
    correlations = np.corrcoef(streams) - np.eye(len(streams))
    assert abs(correlations).max() < 0.03
    first = np.array([core("random", DRAW, [seed, "uniform", 1])[0] for seed in range(300)])
    assert stats.kstest(first, stats.uniform().cdf).pvalue > 1e-3


def test_orders_are_equally_likely(core):
    counts = core(
        "random",
        """({ Random }) => {
            const random = new Random(5);
            const counts = {};
            for (let i = 0; i < 24000; i++) {
                const order = random.shuffle([1, 2, 3, 4]).join("");
                counts[order] = (counts[order] ?? 0) + 1;
            }
            return counts;
        }""",
    )
    assert len(counts) == 24 and stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_whole_numbers_stay_below_their_limit(core):
    drawn = core(
        "random", "({ Random }) => { const r = new Random(1); return Array.from({ length: 9000 }, () => r.below(9)); }"
    )
    assert sorted(set(drawn)) == list(range(9)) and stats.chisquare(np.bincount(drawn)).pvalue > 1e-3
