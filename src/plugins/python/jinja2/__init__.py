"""What plugins take from Jinja2, where Jinja2 is not installed: marks, undefined values, errors."""

from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError  # noqa: F401
from jinja2.runtime import (  # noqa: F401
    ChainableUndefined,
    DebugUndefined,
    StrictUndefined,
    Undefined,
)
from jinja2.utils import pass_context, pass_environment, pass_eval_context  # noqa: F401

__version__ = "3.1.6"
