"""Losses against PyTorch: class weights, reductions, ignored labels; and gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnguide import (
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    mse_loss,
    mse_loss_backward,
    nll_loss,
    nll_loss_backward,
)

REDUCTIONS = ["mean", "sum", "none"]


@st.composite
def examples(draw):
    classes, count = draw(st.integers(1, 5)), draw(st.integers(0, 6))
    places = draw(st.sampled_from([(), (), (3,), (2, 2), (1, 2, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    scores = (3 * rng.standard_normal((count, classes, *places))).astype(dtype)
    target = rng.integers(0, classes, (count, *places))
    weight = draw(st.sampled_from([None, rng.uniform(0.5, 2, classes).astype(dtype)]))
    ignore = draw(st.sampled_from([None, 0, -100]))
    if ignore == -100:
        target[:1] = -100
    return scores, target, weight, ignore


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("from_logits", [True, False])
@given(example=examples(), smoothing=st.sampled_from([0, 0, 0.1, 1]))
def test_classification_agrees_with_pytorch(torch, reduction, from_logits, example, smoothing):
    scores, target, weight, ignore = example
    scores = scores if from_logits else log_softmax(scores, axis=1)
    smoothed = {"label_smoothing": smoothing} if from_logits else {}
    ours, backward = (cross_entropy, cross_entropy_backward) if from_logits else (nll_loss, nll_loss_backward)
    oracle = torch.nn.functional.cross_entropy if from_logits else torch.nn.functional.nll_loss
    leaf = torch.tensor(scores, requires_grad=True)
    options = {} if ignore is None else {"ignore_index": ignore}
    wanted = oracle(
        leaf,
        torch.tensor(target),
        None if weight is None else torch.tensor(weight),
        reduction=reduction,
        **options,
        **smoothed,
    )
    grad = (
        np.linspace(1, 2, target.size).reshape(target.shape).astype(scores.dtype)
        if reduction == "none"
        else scores.dtype.type(1.5)
    )
    wanted.backward(torch.tensor(grad))
    close = dict(rtol=1e-4, atol=1e-5) if scores.dtype == np.float32 else dict(rtol=1e-10, atol=1e-12)
    loss = ours(scores, target, weight, reduction, ignore, **smoothed)
    assert loss.dtype == scores.dtype
    np.testing.assert_allclose(loss, wanted.detach().numpy(), **close)
    gradient = backward(scores, target, weight, reduction, ignore, grad, **smoothed)
    assert gradient.dtype == scores.dtype
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), **close)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(
    shape=st.tuples(st.integers(0, 4), st.integers(1, 4)), seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_mse_agrees_with_pytorch(torch, reduction, shape, seed, dtype):
    rng = np.random.default_rng(seed)
    prediction, target = rng.standard_normal((2, *shape)).astype(dtype)
    grad = rng.standard_normal(shape).astype(dtype) if reduction == "none" else dtype(1.5)
    leaf = torch.tensor(prediction, requires_grad=True)
    wanted = torch.nn.functional.mse_loss(leaf, torch.tensor(target), reduction=reduction)
    wanted.backward(torch.tensor(grad))
    loss, gradient = mse_loss(prediction, target, reduction), mse_loss_backward(prediction, target, reduction, grad)
    assert loss.dtype == gradient.dtype == dtype
    close = dict(rtol=1e-5, atol=1e-6) if dtype == np.float32 else dict(rtol=1e-12)
    np.testing.assert_allclose(loss, wanted.detach().numpy(), **close)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), **close)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_gradient_of_mse_is_its_slope(reduction):
    prediction, target = np.random.default_rng(0).standard_normal((2, 3, 4))
    for index in np.ndindex(3, 4):
        step = np.zeros((3, 4))
        step[index] = 1e-5
        up, down = (mse_loss(prediction + s, target, reduction) for s in (step, -step))
        assert mse_loss_backward(prediction, target, reduction)[index] == pytest.approx((up - down) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_whole_numbers_are_computed_in_float64_and_nothing_is_changed(reduction):
    scores, target, weight = np.array([[0, 2], [3, 1], [4, 4]], np.uint8), np.array([1, 1, 0]), np.array([0.5, 0.25])
    before = [array.copy() for array in (scores, target, weight)]
    for function in (cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward):
        ours = function(scores, target, weight, reduction, 0)
        assert ours.dtype == np.float64
        np.testing.assert_array_equal(ours, function(scores.astype(float), target, weight, reduction, 0))
    for function in (mse_loss, mse_loss_backward):
        ours = function(scores, scores[::-1], reduction)
        np.testing.assert_array_equal(ours, function(scores.astype(float), scores[::-1].astype(float), reduction))
    for array, old in zip((scores, target, weight), before, strict=True):
        np.testing.assert_array_equal(array, old)


@given(example=examples(), reduction=st.sampled_from(["mean", "sum"]), smoothing=st.sampled_from([0, 0.3]))
def test_gradients_are_the_slopes_of_the_loss(example, reduction, smoothing):
    scores, target, weight, ignore = example
    scores, weight = scores.astype(float), None if weight is None else weight.astype(float)
    if reduction == "mean" and (target == ignore).all():
        return  # the mean of nothing has no slope
    for loss, backward in ((cross_entropy, cross_entropy_backward), (nll_loss, nll_loss_backward)):
        more = {"label_smoothing": smoothing} if loss is cross_entropy else {}
        gradient = backward(scores, target, weight, reduction, ignore, **more)
        for index in np.ndindex(*scores.shape):
            step = np.zeros_like(scores)
            step[index] = 1e-5
            up, down = (loss(scores + s, target, weight, reduction, ignore, **more) for s in (step, -step))
            assert gradient[index] == pytest.approx((up - down) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_ten_thousand(dtype):
    logits, target = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype), np.array([0, 0])
    with np.errstate(all="raise", under="ignore"):
        assert cross_entropy(logits, target, reduction="none").tolist() == [0, 20_000]
        assert cross_entropy_backward(logits, target, reduction="sum").tolist() == [[0, 0], [-1, 1]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_not_hidden(bad):
    logits, target = np.array([[bad, 0.0], [1.0, 2.0]]), np.array([1, 0])
    with np.errstate(invalid="ignore"):
        losses = cross_entropy(logits, target, reduction="none")
    assert not np.isfinite(losses[0]) and np.isfinite(losses[1])
    assert not np.isfinite(mse_loss(logits, np.zeros((2, 2))))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_is_ignored_counts_nothing_even_where_it_is_impossible(torch, reduction):
    log_p, target = np.array([[-1.0, -2.0], [-np.inf, 0.0], [-3.0, -np.inf]]), np.array([1, 0, 0])
    settings = dict(reduction=reduction, ignore_index=0)
    wanted = torch.nn.functional.nll_loss(torch.tensor(log_p), torch.tensor(target), **settings)
    np.testing.assert_array_equal(nll_loss(log_p, target, **settings), wanted.numpy())


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize(
    ("scores", "weight", "ignore"),
    [
        ([[np.nan, 0], [1, 1]], [0, 1], -100),  # a weight of 0 hides no NaN
        ([[-np.inf, 0], [-1, -1]], [0, 1], -100),  # and no infinity
        ([[-1, 0], [-1, -1]], [0, 0], -100),  # nothing counts: the mean is 0 / 0
        ([[-1, 0], [-1, -1]], [1, 0], 0),  # nor does what is left when the others are ignored
        ([[np.nan, 0], [-1, -1]], [1, 1], 0),  # what is ignored is not looked at
    ],
)
def test_weights_of_zero_agree_with_pytorch(torch, reduction, name, scores, weight, ignore):
    scores, weight, target = np.array(scores, float), np.array(weight, float), np.array([0, 1])
    leaf, settings = torch.tensor(scores, requires_grad=True), dict(reduction=reduction, ignore_index=ignore)
    wanted = getattr(torch.nn.functional, name)(leaf, torch.tensor(target), torch.tensor(weight), **settings)
    wanted.backward(torch.ones_like(wanted))
    ours, backward = (
        (cross_entropy, cross_entropy_backward) if name == "cross_entropy" else (nll_loss, nll_loss_backward)
    )
    grad = np.ones(wanted.shape)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(ours(scores, target, weight, **settings), wanted.detach().numpy())
        gradient = backward(scores, target, weight, **settings, grad=grad)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_a_share_that_cannot_be_spread_is_refused(smoothing):
    for loss in (cross_entropy, cross_entropy_backward):
        with pytest.raises(ValueError, match=f"label_smoothing must be .*, got {smoothing}"):
            loss(np.zeros((1, 2)), np.array([0]), label_smoothing=smoothing)


def test_the_mean_of_nothing_is_nan():
    assert np.isnan(cross_entropy(np.zeros((2, 3)), np.array([1, 1]), ignore_index=1))
    assert float(cross_entropy(np.zeros((2, 3)), np.array([1, 1]), ignore_index=1, reduction="sum")) == 0


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss, cross_entropy_backward, nll_loss_backward])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(target=np.array([0, 3])), ValueError, "target 3 is not a class number: there are 3 classes, from 0 to 2"),
        (dict(target=np.array([0, -1])), ValueError, "target -1 is not a class number"),
        (dict(target=np.array([0.0, 1.0])), TypeError, "whole numbers, got float64"),
        (dict(target=np.array([0])), ValueError, r"target \(N,\), .* got \(2, 3\) and \(1,\)"),
        (dict(target=np.eye(3)[:2]), ValueError, "class numbers, not one-hot rows"),
        (dict(weight=np.ones(2)), ValueError, r"each of 3 classes, got shape \(2,\)"),
        (dict(weight=np.full(3, 1j)), TypeError, "weight must hold real numbers, got complex128"),
        (dict(ignore_index="1"), TypeError, "ignore_index must be a whole number, got '1'"),
        (dict(ignore_index=True), TypeError, "ignore_index must be a whole number, got True"),
        (dict(reduction="average"), ValueError, "reduction must be one of mean, sum, none; got 'average'"),
    ],
)
def test_bad_input_is_named(loss, arguments, error, message):
    name = "logits" if "cross" in loss.__name__ else "log_p"
    with pytest.raises(error, match=message):
        loss(**{name: np.zeros((2, 3)), "target": np.array([0, 1])} | arguments)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_gradient_of_another_shape_than_the_loss_is_refused(reduction):
    """NumPy would broadcast it and scale rows, or make a matrix of a row, in silence."""
    scores, target, row = np.zeros((3, 2)), np.array([0, 1, 0]), np.zeros(3)
    fits, others = ((3,), [(2,), (3, 1), (1,)]) if reduction == "none" else ((), [(3,), (1,), (3, 1)])
    for shape in others:
        for backward in (nll_loss_backward, cross_entropy_backward, mse_loss_backward):
            arguments = (row, row) if backward is mse_loss_backward else (scores, target)
            with pytest.raises(ValueError, match="grad must have the shape of the output, ") as met:
                backward(*arguments, reduction=reduction, grad=np.ones(shape))
            assert f"{fits}; got {shape}" in str(met.value)


def test_gradients_have_the_dtype_of_what_they_are_for():
    prediction, whole, grad = np.ones(3, np.float32), np.array([1, 2, 3]), np.float64(1)
    assert mse_loss_backward(prediction, whole).dtype == np.float32
    assert mse_loss_backward(prediction, prediction, grad=grad).dtype == np.float32
    assert mse_loss_backward(whole, prediction).dtype == np.float64
    for backward in (nll_loss_backward, cross_entropy_backward):
        assert backward(np.ones((3, 4), np.float32), whole, grad=grad).dtype == np.float32


def test_lists_are_taken_as_arrays():
    for function in (cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward):
        scores, target, weight = [[0.5, 1.5], [2.5, 0.0]], [1, 0], [1.0, 2.0]
        wanted = function(np.array(scores), np.array(target), np.array(weight))
        assert function(scores, target, weight).tolist() == wanted.tolist()
    assert mse_loss_backward([1.0, 2.0], [1, 4], "none", [1, 3]).tolist() == [0.0, -12.0]


def test_mse_does_not_broadcast():
    with pytest.raises(ValueError, match=r"must have one shape, got \(3,\) and \(3, 1\)"):
        mse_loss(np.zeros(3), np.zeros((3, 1)))
