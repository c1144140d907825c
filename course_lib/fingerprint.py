"""One hash of all that a computation uses, to tell whether anything changed since its result was kept."""

import functools
import hashlib
import inspect
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import runtime

PLAIN = (type(None), bool, int, float, complex, str, bytes)
FUNCTIONS = (FunctionType, staticmethod, classmethod, property)


def fingerprint(*parts: Any) -> str:
    """A hash, 64 hex digits, of functions with all that they use, and of values.

    Of a function of a notebook or of the course it takes the source, and that of each function, class and value that
    it names, and so on. What other libraries define counts by its name: another version of PyTorch gives no other key,
    nor does another device. The budget counts where it is asked for, other environment variables do not.

    Raises:
        ValueError: something is used of which nobody could tell whether it changed, such as an open file.
    """
    digest = _Digest({part.__module__ for part in parts if isinstance(part, FunctionType)})
    digest.all(parts)
    return digest.hash.hexdigest()


class _Digest:
    """The hash of what is added, in the order in which it is come across."""

    def __init__(self, modules: set[str]):
        self.own = {"course_lib", "__main__", *modules}  # their source counts
        self.hash = hashlib.sha256()
        self.seen: dict[int, tuple[int, Any]] = {}  # id -> place and value, kept so that no id is given twice
        self.searched: set[tuple[str, frozenset[str]]] = set()  # modules, and what was looked for in them

    def all(self, values: Iterable, names: frozenset[str] = frozenset()) -> None:
        for value in values:
            self.add(value, names)

    def add(self, value: Any, names: frozenset[str] = frozenset()) -> None:
        """`names`: what the code that uses the value mentions. Of a module only that is in use."""
        if isinstance(value, PLAIN):
            self.text(repr(value))
        elif isinstance(value, torch.device):
            return  # where a network is trained makes no other network of it
        elif isinstance(value, ModuleType):
            self.module(value, names)
        elif id(value) in self.seen:
            self.text(f"again {self.seen[id(value)][0]}")
        else:
            self.seen[id(value)] = len(self.seen), value
            self.compound(value)

    def module(self, module: ModuleType, names: frozenset[str]) -> None:
        """What has one of these names; other code may use other parts of the module."""
        if self.is_own(module.__name__) and (module.__name__, names) not in self.searched:
            self.searched.add((module.__name__, names))
            self.all((getattr(module, name) for name in sorted(names) if hasattr(module, name)), names)

    def compound(self, value: Any) -> None:
        if isinstance(value, (Tensor, np.ndarray)):
            self.array(value)
        elif isinstance(value, dict):
            self.all([type(value).__name__, len(value), *(part for item in value.items() for part in item)])
        elif isinstance(value, (list, tuple, range)):
            self.all([type(value).__name__, len(value), *value])
        elif isinstance(value, (set, frozenset)):
            self.all([type(value).__name__, len(value), *sorted(value, key=repr)])
        elif isinstance(value, property):
            self.all([value.fget, value.fset])
        elif isinstance(value, (staticmethod, classmethod, MethodType)):
            self.all([value.__func__, getattr(value, "__self__", None)])
        elif isinstance(value, (type, FunctionType, BuiltinFunctionType)) or hasattr(value, "__wrapped__"):
            self.defined(inspect.unwrap(value))
        elif isinstance(value, functools.partial):
            self.all([value.func, value.args, value.keywords])
        elif isinstance(value, torch.Generator):
            self.add(value.get_state())
        elif hasattr(value, "__dict__"):
            self.all([type(value), vars(value)])
        else:
            raise ValueError(
                f"nobody can tell whether a {type(value).__name__} changed; make it inside the function, or use "
                "numbers, texts and tensors"
            )

    def array(self, array: Tensor | np.ndarray) -> None:
        self.text(f"{array.dtype} {tuple(array.shape)}")
        if isinstance(array, Tensor):
            array = array.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        elif array.dtype.hasobject:
            return self.all(array.flat)
        self.hash.update(array.tobytes())

    def defined(self, value: Any) -> None:
        """A function or a class: the source of one's own, the name of another's."""
        package = (value.__module__ or "").partition(".")[0]  # modules within are moved about from version to version
        self.text(f"{package}.{value.__qualname__}")
        if value is runtime.budget:
            self.text(runtime.budget())
        if self.is_own(value.__module__) and isinstance(value, type):
            self.all(value.__bases__)
            self.all(part for item in sorted(vars(value).items()) if self.counts(*item) for part in item)
        elif self.is_own(value.__module__) and isinstance(value, FunctionType):
            self.function(value)

    def counts(self, name: str, member: Any) -> bool:
        """Whether a member of a class was written by its author."""
        if isinstance(member, FUNCTIONS):
            return self.is_own(getattr(inspect.unwrap(member), "__module__", "course_lib"))
        return isinstance(member, (*PLAIN, tuple, list, dict)) and not name.startswith("__")

    def function(self, function: FunctionType) -> None:
        self.text(_source(function))
        names = frozenset(_names(function.__code__))
        self.all([function.__defaults__, function.__kwdefaults__])
        self.all((cell.cell_contents for cell in function.__closure__ or ()), names)
        for name in sorted(names & set(function.__globals__)):
            self.text(name)
            self.add(function.__globals__[name], names)

    def is_own(self, module: str | None) -> bool:
        return module is not None and (module in self.own or module.partition(".")[0] in self.own)

    def text(self, text: str) -> None:
        self.hash.update(text.encode() + b"\0")


def _source(function: FunctionType) -> str:
    try:
        return inspect.cleandoc("\n" + inspect.getsource(function))
    except (OSError, TypeError):  # there is none, as for what `dataclass` writes
        return function.__code__.co_code.hex()


def _names(code: CodeType) -> Iterator[str]:
    """The names of globals and attributes in a function's code, and in the functions within."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
