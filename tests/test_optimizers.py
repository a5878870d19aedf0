"""Optimisers against PyTorch where it is installed, and against arithmetic by hand everywhere."""

import numpy as np
import pytest

from cnnguide import SGD


def test_plain_steps_by_hand():
    w = np.array([1.0, -2.0])
    optimizer = SGD(lr=0.1)
    optimizer.step([w], [np.array([1.0, 1.0])])
    np.testing.assert_allclose(w, [0.9, -2.1])


def test_momentum_and_nesterov_by_hand():
    # Two steps of lr 1, momentum 0.5 with the gradient 1: velocities 1 and 1.5; Nesterov adds half of them again.
    for nesterov, wanted in ((False, -2.5), (True, -(1.5 + 1.75))):
        w = np.array([0.0])
        optimizer = SGD(lr=1, momentum=0.5, nesterov=nesterov)
        for _ in range(2):
            optimizer.step([w], [np.ones(1)])
        assert w.tolist() == [wanted]


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_fifty_steps_agree_with_pytorch(torch, momentum, nesterov, weight_decay):
    rng = np.random.default_rng(0)
    ours = [rng.standard_normal((3, 4)), rng.standard_normal(5)]
    theirs = [torch.nn.Parameter(torch.tensor(w)) for w in ours]
    settings = dict(lr=0.05, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    optimizer, oracle = SGD(**settings), torch.optim.SGD(theirs, **settings)
    for _ in range(50):
        gradients = [np.sin(3 * w) + w for w in ours]
        for parameter in theirs:
            parameter.grad = (torch.sin(3 * parameter) + parameter).detach()
        optimizer.step(ours, gradients)
        oracle.step()
    for w, parameter in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(w, parameter.detach().numpy(), rtol=1e-10)


def test_gradients_are_not_changed():
    g = np.ones(3)
    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        optimizer.step([np.ones(3)], [g])
    assert g.tolist() == [1, 1, 1]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="lr must be at least 0, got -1"):
        SGD(lr=-1)
    with pytest.raises(ValueError, match="momentum must be above 0"):
        SGD(lr=1, nesterov=True)
    with pytest.raises(ValueError, match=r"shapes of the parameters, \[\(3,\)\]; got \[\(2,\)\]"):
        SGD(lr=1).step([np.ones(3)], [np.ones(2)])
