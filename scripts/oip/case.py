"""`case`: a named check with the part of the specification that it comes from."""

from dataclasses import dataclass
from typing import Callable


class NotOffered(Exception):
    """The server does not do this, and does not have to: an extension, a type."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, message, status):
        super().__init__(f"{status}: {message}")
        self.message, self.status = message, status


@dataclass(frozen=True)
class Case:
    name: str
    part: str
    section: str
    says: str
    run: Callable


CASES = []

OIP_REST = "Open Inference Protocol, REST"
OIP_GRPC = "Open Inference Protocol, gRPC"
TRITON = "Triton extension"


def case(name, part, section, over=((),)):
    """Registers a function as a case, or as one for each tuple of arguments in `over`; `name` is formatted with them."""

    def register(check):
        for arguments in over:
            arguments = arguments if isinstance(arguments, tuple) else (arguments,)
            says = " ".join((check.__doc__ or "").split())
            run = lambda server, check=check, arguments=arguments: check(server, *arguments)
            CASES.append(Case(name.format(*arguments), part, section, says, run))
        return check

    return register


def same(got, expected, what):
    """Fails unless both are equal."""
    if got != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {got!r}"[:400])


def holds(condition, what):
    """Fails unless this is so."""
    if not condition:
        raise AssertionError(what[:400])


def is_refused(call, what="the request"):
    """Fails unless the server answers with an error, which is returned."""
    try:
        answer = call()
    except Refused as refused:
        holds(bool(refused.message), f"{what}: the error says nothing")
        return refused
    raise AssertionError(f"{what}: expected an error, got {answer!r}"[:400])
