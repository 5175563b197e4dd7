"""Five hundred regular expressions that bring engines or their compilers down: fifty kinds, ten of each."""

from collections.abc import Callable

SIZES = (1, 2, 3, 5, 8, 13, 50, 200, 1000, 5000)

KINDS: tuple[Callable[[int], str], ...] = (
    # What takes a backtracking engine exponential time, or a high power of it.
    lambda n: "(" * min(n, 20) + "a+" + ")+" * min(n, 20) + "b" * n + "$",
    lambda n: f"(a*)*{'b' * n}",
    lambda n: f"(a|a)*{'b' * n}",
    lambda n: f"(a|aa)+{'b' * n}",
    lambda n: f"(a|a?)+{'b' * n}$",
    lambda n: f"(.*a){{{n}}}$",
    lambda n: f"(.*,){{{n}}}P",
    lambda n: "a?" * n + "a" * n,
    lambda n: ".*" * n + "=",
    lambda n: "a*" * n + "b",
    lambda n: r"\w*" * n + "!",
    lambda n: f"(x+x+)+{'y' * n}",
    lambda n: f"([a-z]+)*{'1' * n}",
    lambda n: f"([a-zA-Z0-9]+){{1,{n}}}@",
    lambda n: rf"(\w+\s?)*{'#' * n}$",
    lambda n: rf"^(([a-z])+.)+[A-Z]([a-z])+{'!' * n}$",
    lambda n: rf"^([\w.-]+)+@([\w-]+\.)+{'c' * n}$",
    lambda n: rf"^(\d+\.?)+{'x' * n}$",
    lambda n: f"(a+b*a+)+{'c' * n}",
    lambda n: f"((a*)*)*{'b' * n}",
    lambda n: f"(?:a|b|ab)*{'c' * n}$",
    lambda n: f"^(a?){{{n}}}(a){{{n}}}$",
    lambda n: rf"<!--(.|\s)*{'-' * n}>",
    lambda n: rf"(?:\\.|[^\\'])*{chr(34) * n}$",
    lambda n: rf"\s+{'x' * n}$",
    lambda n: f"(?:(?:a+)?b?)+{'c' * n}",
    # What is no regular language: no linear time for these.
    lambda n: r"(a+)\1" + "b" * n,
    lambda n: r"(.+)(.+)\2\1" + "b" * n,
    lambda n: "(?P<x>a+)(?P=x)" + "b" * n,
    lambda n: f"(?={'a' * n})a+b",
    lambda n: f"(?!{'a' * n})a+b",
    lambda n: f"(?<={'a' * n})b",
    lambda n: f"(?<!{'a' * n})b",
    lambda n: r"^(?=.*\d)(?=.*[a-z]).{" + str(n) + "}$",
    lambda n: f"(?>a+)+{'b' * n}",
    lambda n: f"(a)?(?(1)b|c){{{n}}}",
    lambda n: f"(a|(?R)){'b' * n}",
    lambda n: f"(?:a++)+{'b' * n}",
    lambda n: rf"\Ga{{{n}}}",
    lambda n: f"(?|(a)|(b)){'c' * n}",
    # What is far larger compiled than written.
    lambda n: f"(a{{{n}}}){{{n}}}",
    lambda n: f"((a{{{n}}}){{{n}}}){{{n}}}",
    lambda n: rf"\w{{{n}}}{{1,{n}}}",
    lambda n: rf"[^\x00-\x40]{{{n}}}.{{{n}}}",
    lambda n: f"(?:.{{1,{n}}}){{1,{n}}}x",
    lambda n: f"x{{{n * 1000}}}",
    lambda n: "(" * n + "a" + ")" * n,
    lambda n: "|".join(f"word{i}[a-z]*" for i in range(n)),
    lambda n: f"(?i)(?:{'é?' * n}){{{n}}}",
    lambda n: "[a-" + "z" * n + "]" + "[" * (n % 3),
)

PATTERNS = tuple(kind(size) for kind in KINDS for size in SIZES)

TEXTS = ("a" * 2000, "a" * 1000 + "b" * 1000, "x" * 2000, "ab1, .-" * 300, "1" * 1000 + "." * 1000, "éa\n\t" * 500)
"""What they are tried on."""
