"""Figures of the guide: drawn by `python -m cnnguide.figures`, in a light and a dark scheme, from the package's numbers.

A figure is a function marked `@figure` in a module of this folder, named like the chapter that shows it. It computes
nothing that a chapter teaches: it calls the package and draws the result.
"""
