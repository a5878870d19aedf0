"""Optimisers step by step with PyTorch, by hand, and on the published case where Adam fails."""

import inspect

import numpy as np
import pytest

import cnnguide
from cnnguide import SGD, AdaGrad, Adam, AdamW, RMSProp, clip_by_norm, cosine_rate, step_rate

SETTINGS = [
    ("SGD", dict(lr=0.05)),
    ("SGD", dict(lr=0.05, momentum=0.9)),
    ("SGD", dict(lr=0.05, momentum=0.9, dampening=0.3)),
    ("SGD", dict(lr=0.05, momentum=0.9, nesterov=True)),
    ("AdaGrad", dict(lr=0.05)),
    ("AdaGrad", dict(lr=0.05, lr_decay=0.1)),
    ("AdaGrad", dict(lr=0.05, initial_accumulator_value=0.5)),
    ("RMSProp", dict(lr=0.05)),
    ("RMSProp", dict(lr=0.05, alpha=0.9, centered=True)),
    ("RMSProp", dict(lr=0.05, momentum=0.5, centered=True)),
    ("RMSProp", dict(lr=0.05, alpha=0.9, momentum=0.5)),
    ("Adam", dict(lr=0.05)),
    ("Adam", dict(lr=0.05, betas=(0.5, 0.9))),
    ("Adam", dict(lr=0.05, amsgrad=True)),
    ("AdamW", dict(lr=0.05)),
    ("AdamW", dict(lr=0.05, betas=(0.5, 0.9), amsgrad=True)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=lambda value: str(value))
def test_a_hundred_steps_agree_with_pytorch(torch, name, settings, weight_decay, dtype):
    theirs_name = {"AdaGrad": "Adagrad", "RMSProp": "RMSprop"}.get(name, name)
    rng = np.random.default_rng(0)
    ours = [rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal(5).astype(dtype)]
    theirs = [torch.nn.Parameter(torch.tensor(w)) for w in ours]
    optimizer = getattr(cnnguide, name)(**settings, weight_decay=weight_decay)
    oracle = getattr(torch.optim, theirs_name)(theirs, **settings, weight_decay=weight_decay)
    # In float32 the rounding of two correct programs grows apart, the faster the longer; in float64 it stays far away.
    for _ in range(100 if dtype == np.float64 else 10):
        gradients = [np.sin(3 * w) + w for w in ours]
        for parameter in theirs:
            parameter.grad = (torch.sin(3 * parameter) + parameter).detach()
        optimizer.step(ours, gradients)
        oracle.step()
        for w, parameter in zip(ours, theirs, strict=True):
            assert w.dtype == dtype
            close = dict(rtol=1e-3, atol=1e-4) if dtype == np.float32 else dict(rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(w, parameter.detach().numpy(), **close)


def adaptive(torch):
    optim = torch.optim
    return ((AdaGrad, optim.Adagrad), (RMSProp, optim.RMSprop), (Adam, optim.Adam), (AdamW, optim.AdamW))


def test_defaults_are_pytorchs(torch):
    x = [torch.nn.Parameter(torch.zeros(1))]
    for ours, theirs in adaptive(torch):
        for name, value in vars(ours()).items():
            if name in theirs(x).defaults:
                assert theirs(x).defaults[name] == value, name


def test_the_order_of_the_arguments_is_pytorchs(torch):
    for ours, theirs in adaptive(torch):
        names, wanted = (list(inspect.signature(optimizer).parameters) for optimizer in (ours, theirs))
        assert names == wanted[1 : 1 + len(names)]  # PyTorch's begins with the parameters


def test_plain_steps_by_hand():
    w = np.array([1.0, -2.0])
    SGD(lr=0.1).step([w], [np.array([1.0, 1.0])])
    np.testing.assert_allclose(w, [0.9, -2.1])


def test_momentum_and_nesterov_by_hand():
    # Two steps of lr 1, momentum 0.5 with the gradient 1: velocities 1 and 1.5; Nesterov adds half of them again.
    for nesterov, wanted in ((False, -2.5), (True, -(1.5 + 1.75))):
        w = np.array([0.0])
        optimizer = SGD(lr=1, momentum=0.5, nesterov=nesterov)
        for _ in range(2):
            optimizer.step([w], [np.ones(1)])
        assert w.tolist() == [wanted]


@pytest.mark.parametrize("gradient", [1e-4, 1.0, 1e4])
def test_adams_first_step_is_the_learning_rate_whatever_the_gradient(gradient):
    # A published page divides by s instead of its root and would step 10 for a gradient of 1e-4.
    w = np.array([0.0])
    Adam(lr=0.001).step([w], [np.array([gradient])])
    assert w[0] == pytest.approx(-0.001, rel=1e-3)


def test_the_published_case_where_adam_fails():
    """Reddi, Kale and Kumar (2018), section 3: every third gradient is C, the others -1; the best x of [-1, 1] is -1."""

    def run(optimizer, steps=20_000, large=3.0):
        x = np.array([0.0])
        for step in range(steps):
            optimizer.lr = 0.5 / np.sqrt(step + 1)
            optimizer.step([x], [np.array([large if step % 3 == 0 else -1.0])])
            np.clip(x, -1, 1, out=x)
        return x[0]

    betas = (0.0, 1 / (1 + 3.0**2))
    assert run(Adam(lr=1, betas=betas)) > 0.9
    assert run(Adam(lr=1, betas=betas, amsgrad=True)) < -0.9
    assert run(SGD(lr=1)) < -0.9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_variance_of_a_constant_gradient_never_goes_below_zero(dtype):
    """As FastNN#12 asks: the difference of two roundings was negative after 1,200 steps, and its root NaN."""
    w, optimizer = np.zeros(1, dtype), RMSProp(centered=True, lr=1e-6)
    for _ in range(5_000):
        optimizer.step([w], [np.full(1, 0.1, dtype)])
    assert np.isfinite(w).all() and w < 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_norm", [0.1, 3.0, 1e3])
def test_clipping_agrees_with_pytorch(torch, max_norm, dtype):
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (5,), (), (0, 2))]
    before = [g.copy() for g in gradients]
    parameters = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients]
    for parameter, g in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(g).to(parameter.dtype)
    torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    for ours, parameter in zip(clip_by_norm(gradients, max_norm), parameters, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, parameter.grad.numpy(), rtol=2e-5)
    for g, old in zip(gradients, before, strict=True):
        np.testing.assert_array_equal(g, old)


def test_clipping_survives_squares_that_overflow():
    (clipped,) = clip_by_norm([np.array([3e38, 4e38 / 2], np.float32)], 1)
    assert np.linalg.norm(clipped) == pytest.approx(1)


@pytest.mark.parametrize("final", [0.0, 0.02])
def test_the_cosine_is_pytorchs(torch, final):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    oracle = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=final)
    for step in range(21):
        assert cosine_rate(step, 20, 0.5, final=final) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        oracle.step()
    assert cosine_rate(99, 20, 0.5, final=final) == final


def test_the_warm_up_is_pytorchs(torch):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = torch.optim.lr_scheduler
    oracle = scheduler.SequentialLR(
        optimizer,
        [scheduler.LinearLR(optimizer, 1 / 6, total_iters=5), scheduler.CosineAnnealingLR(optimizer, T_max=15)],
        [5],
    )
    for step in range(20):
        assert cosine_rate(step, 20, 0.5, warmup=5) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        oracle.step()


def test_the_steps_are_pytorchs(torch):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    oracle = torch.optim.lr_scheduler.StepLR(optimizer, 7, gamma=0.3)
    for step in range(30):
        assert step_rate(step, 7, 0.5, factor=0.3) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        oracle.step()


def test_bad_plans_are_named():
    with pytest.raises(ValueError, match="warmup must be less than steps, 5; got 5"):
        cosine_rate(0, 5, 0.1, warmup=5)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        step_rate(0, 0, 0.1)
    with pytest.raises(TypeError, match="step must be a whole number, got 0.5"):
        step_rate(0.5, 2, 0.1)
    for bad in (0, -1, np.nan):
        with pytest.raises(ValueError, match=f"max_norm must be .*, got {bad}"):
            clip_by_norm([np.ones(2)], bad)


def test_arrays_without_axes_keep_their_momentum():
    w, one = np.array(1.0), np.array([1.0])
    for x in (w, one):
        optimizer = SGD(0.1, momentum=0.9)
        for _ in range(3):
            optimizer.step([x], [2 * x])
    assert w == one[0]


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, 0.9, weight_decay=0.1), AdaGrad(), RMSProp(), Adam(amsgrad=True), AdamW()]
)
def test_gradients_are_not_changed_and_not_kept(optimizer):
    g, w = np.ones(3), np.ones(3)
    for _ in range(3):
        optimizer.step([w], [g])
    assert g.tolist() == [1, 1, 1]
    for arrays in optimizer._memories.values():
        assert not any(np.shares_memory(array, g) for array in arrays)


def test_bad_input_is_named():
    for lr in (-1, np.nan, np.inf):
        for optimizer in (SGD, AdaGrad, RMSProp, Adam, AdamW):
            with pytest.raises(ValueError, match=f"lr must be at least 0 and finite, got {lr}"):
                optimizer(lr=lr)
    with pytest.raises(ValueError, match="initial_accumulator_value must be at least 0 and finite, got -1"):
        AdaGrad(initial_accumulator_value=-1)
    with pytest.raises(ValueError, match="dampening must be finite, got nan"):
        SGD(lr=1, momentum=0.9, dampening=np.nan)
    with pytest.raises(ValueError, match="momentum must be above 0"):
        SGD(lr=1, nesterov=True)
    for betas in ((0.9, 1.0), (0.9,), (0.9, 0.99, 0.999), 0.9, (np.nan, 0.9)):
        with pytest.raises(ValueError, match="betas must be two numbers, at least 0 and below 1, got ") as met:
            Adam(betas=betas)
        assert str(met.value).endswith(f"got {betas}")
    with pytest.raises(ValueError, match=r"shapes of the parameters, \[\(3,\)\]; got \[\(2,\)\]"):
        SGD(lr=1).step([np.ones(3)], [np.ones(2)])


@pytest.mark.parametrize(
    ("parameter", "met"),
    [
        (np.float64(1), "got float64"),  # a scalar stays as it was: there is no place to change it in
        ([1.0], "got list"),
        (1.0, "got float"),
        (np.ones((), int), "got an array of int64"),
        (np.ones((), np.float16), "got an array of float16"),  # small steps would be lost in it
        (np.broadcast_to(1.0, ()), "that may be written to, .* got an array of float64"),
    ],
)
@pytest.mark.parametrize("make", [lambda: SGD(0.1), Adam])
def test_what_cannot_be_changed_in_place_is_refused(make, parameter, met):
    first, optimizer = np.ones(2), make()
    with pytest.raises(TypeError, match=f"parameter 1 must be an array of floats, .*{met}"):
        optimizer.step([first, parameter], [np.ones(2), np.ones(np.shape(parameter))])
    assert first.tolist() == [1, 1] and optimizer.steps == 0


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), AdaGrad, RMSProp, Adam])
@pytest.mark.parametrize("shapes", [[3, 5], [3], [3, 4, 5], []])
def test_a_step_for_other_parameters_changes_nothing(make, shapes):
    optimizer, same = make(), make()
    for twin in (optimizer, same):
        twin.step([np.ones(3), np.ones(4)], [np.ones(3), np.ones(4)])
    others = [np.ones(length) for length in shapes]
    with pytest.raises(
        ValueError, match=r"had the shapes \[\(3,\), \(4,\)\] in earlier steps and have .* new optimiser"
    ):
        optimizer.step(others, [np.ones(length) for length in shapes])
    assert all((other == 1).all() for other in others)
    w, v = ([np.ones(3), np.ones(4)] for _ in range(2))
    optimizer.step(w, [np.ones(3), np.ones(4)])
    same.step(v, [np.ones(3), np.ones(4)])
    np.testing.assert_array_equal(np.concatenate(w), np.concatenate(v))


def test_without_memories_a_rule_serves_any_parameters():
    optimizer = SGD(0.5)
    for length in (2, 3):
        w = np.ones(length)
        optimizer.step([w], [np.ones(length)])
        assert w.tolist() == [0.5] * length


@pytest.mark.parametrize("make", [lambda: SGD(0.5, momentum=0.5, weight_decay=0.1), AdaGrad, RMSProp, Adam])
def test_gradients_may_be_lists_and_whole_numbers(make):
    found = []
    for gradient in ([1, 2], np.array([1, 2]), np.array([1.0, 2.0])):
        w, optimizer = np.ones(2), make()
        for _ in range(2):
            optimizer.step([w], [gradient])
        found.append(w.tolist())
    assert found[0] == found[1] == found[2]
    with pytest.raises(TypeError, match="gradient 0 must hold real numbers, got complex128"):
        make().step([np.ones(1)], [np.array([1j])])
