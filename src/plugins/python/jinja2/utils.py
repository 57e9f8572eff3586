"""Marks on filters and tests that want more than their value."""

import enum


class _PassArg(enum.Enum):
    context = enum.auto()
    eval_context = enum.auto()
    environment = enum.auto()


def pass_context(function):
    function.jinja_pass_arg = _PassArg.context
    return function


def pass_eval_context(function):
    function.jinja_pass_arg = _PassArg.eval_context
    return function


def pass_environment(function):
    function.jinja_pass_arg = _PassArg.environment
    return function


contextfilter = contextfunction = pass_context
evalcontextfilter = evalcontextfunction = pass_eval_context
environmentfilter = environmentfunction = pass_environment
