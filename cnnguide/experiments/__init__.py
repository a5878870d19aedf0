"""Experiments that take longer than a moment: NumPy in, plain numbers out, over several seeds.

One module per chapter. Calling an experiment gives its result, which comes with the package in `results/`, and is computed
anew when the code that makes it has changed (see `cnnguide.experiments.store`).
"""
