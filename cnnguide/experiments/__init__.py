"""Experiments that take longer than a moment: NumPy in, plain numbers out, over several seeds.

One module per chapter. Calling an experiment gives its result; in a checkout of the project the results are kept in
`.experiments/` until the code that makes them changes (see `cnnguide.experiments.store`).
"""
