"""Docstrings of public names, read by numpydoc: what a tool shows beside a call is complete."""

import inspect

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import cnnguide

CHECKS = {
    "GL03",  # two blank lines in a row
    "GL06",  # a section that does not exist
    "GL07",  # sections in another order
    "SS01",  # no summary
    "SS03",  # a summary without its full stop
    "PR01",  # a parameter that is not described
    "PR02",  # a parameter that does not exist
    "PR03",  # parameters in another order
    "PR07",  # a parameter without a description
    "PR10",  # a colon without a space in front of it
    "RT01",  # no section Returns
    "RT03",  # a return value without a description
    "EX01",  # no example
}


def public():
    for name in cnnguide.__all__:
        thing = getattr(cnnguide, name)
        if callable(thing):
            yield f"{thing.__module__}.{name}"


@pytest.mark.parametrize("name", public())
def test_every_parameter_and_what_is_returned_is_described(name):
    wrong = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", public())
def test_it_says_where_it_comes_from(name):
    doc = get_doc_object(getattr(cnnguide, name.rsplit(".", 1)[1]))
    assert doc["Notes"] or doc["References"]
    assert "Formula:" not in inspect.getdoc(getattr(cnnguide, name.rsplit(".", 1)[1]))
