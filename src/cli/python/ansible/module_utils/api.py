"""Calling the APIs of services: their arguments, how often, and again after a failure."""

import copy
import functools
import random
import time


def rate_limit_argument_spec(spec=None):
    """Arguments of a limit: so many calls in so many seconds; with others, which win."""
    return dict({"rate": {"type": "int"}, "rate_limit": {"type": "int"}}, **spec or {})


def retry_argument_spec(spec=None):
    """Arguments of trying again: how often, after how many seconds."""
    own = {"retries": {"type": "int"}, "retry_pause": {"type": "float", "default": 1}}
    return dict(own, **spec or {})


def basic_auth_argument_spec(spec=None):
    """Arguments of calling an API with a user and a password."""
    own = {
        "api_username": {"type": "str"},
        "api_password": {"type": "str", "no_log": True},
        "api_url": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
    }
    return dict(own, **spec or {})


def rate_limit(rate=None, rate_limit=None):
    """Has a function wait, so that it is called at most `rate` times in `rate_limit` seconds."""
    pause = float(rate_limit) / float(rate) if rate is not None and rate_limit is not None else None

    def decorate(function):
        last = [0.0]
        clock = time.monotonic

        @functools.wraps(function)
        def limited(*args, **kwargs):
            if pause is not None:
                time.sleep(max(pause - (clock() - last[0]), 0))
                last[0] = clock()
            return function(*args, **kwargs)

        return limited

    return decorate


def retry(retries=None, retry_pause=1):
    """Has a function called again until it gives something true, `retries` times at most.

    Exceptions count as nothing; the last failure is raised as Exception.
    """

    def decorate(function):
        @functools.wraps(function)
        def again(*args, **kwargs):
            if retries is not None:
                result = None
                for count in range(1, retries + 1):
                    if count >= retries:
                        raise Exception("Retry limit exceeded: %d" % retries)
                    try:
                        result = function(*args, **kwargs)
                    except Exception:
                        pass
                    if result:
                        return result
                    time.sleep(retry_pause)
            return function(*args, **kwargs)

        return again

    return decorate


def generate_jittered_backoff(retries=10, delay_base=3, delay_threshold=60):
    """Gives so many delays in seconds, by chance between zero and a bound that doubles."""
    for attempt in range(0, retries):
        yield random.randint(0, min(delay_threshold, delay_base * 2 ** attempt))


def retry_never(exception_or_result):
    """Says of no failure that it is worth another try."""
    return False


def retry_with_delays_and_condition(backoff_iterator, should_retry_error=None):
    """Has a function called again after each delay, while it raises what is worth another try."""
    is_worth_it = should_retry_error or retry_never

    def decorate(function):
        @functools.wraps(function)
        def again(*args, **kwargs):
            call = functools.partial(function, *args, **kwargs)
            # Delays may be used up: each call has its own.
            for delay in copy.copy(list(backoff_iterator)):
                try:
                    return call()
                except Exception as error:
                    if not is_worth_it(error):
                        raise
                time.sleep(delay)
            return call()

        return again

    return decorate
