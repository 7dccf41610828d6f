"""What the gates share: which files there are, C text without comments and strings, and where its functions are."""
import argparse
import bisect
import dataclasses
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


class Findings:
    """Collects `path:line: text`, prints them, and makes the exit code."""

    def __init__(self, gate, root):
        self.gate, self.root, self.lines = gate, root, []

    def add(self, path, line, text):
        self.lines.append(f"{pathlib.Path(path).relative_to(self.root)}:{line}: {text}")

    def finish(self, checked):
        for line in self.lines:
            print(line)
        print(f"{self.gate}: {len(self.lines)} findings in {checked}")
        sys.exit(1 if self.lines else 0)


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=REPOSITORY, help="another tree than this repository")
    args = parser.parse_args()
    args.root = args.root.resolve()
    return args


def c_files(root, folders, suffixes=(".c", ".h")):
    return sorted(path for folder in folders for path in (root / folder).rglob("*") if path.suffix in suffixes)


def repository_files(root):
    """Every file that is, or would be, committed: git's own list, else everything but builds."""
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True)
    if listing.returncode == 0:
        names = [name for name in listing.stdout.decode().split("\0") if name]
        return sorted(root / name for name in names if (root / name).is_file())
    return sorted(path for path in root.rglob("*")
                  if path.is_file() and path.relative_to(root).parts[0] not in (".git", "build"))


_SKIP = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """The text with comments and the insides of literals as spaces; lines and columns stay where they are."""
    def spaces(match):
        found = match[0]
        hidden = re.sub(r"[^\n]", " ", found)
        return found[0] + hidden[1:-1] + found[-1] if found[0] in "\"'" else hidden
    # Lines that go on (backslash, newline) are no problem for what the gates look for, but for // comments.
    return _SKIP.sub(spaces, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


@dataclasses.dataclass
class Function:
    name: str
    first: int
    last: int
    parameters: int
    nesting: int

    @property
    def length(self):
        return self.last - self.first + 1


class Unreadable(Exception):
    pass


_TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|[A-Za-z_]\w*|\d[\w.]*|->|\.\.\.|[^\s\w]')
_NO_FUNCTION = {"if", "for", "while", "switch", "return", "sizeof", "defined", "do", "else", "case"}


def _directives(text):
    """Lines as (text, word of a directive or None); a directive's further lines are directives without a word."""
    continued = False
    for line in text.split("\n"):
        match = None if continued else re.match(r"\s*#\s*(\w+)", line)
        yield line, match[1] if match else "" if continued else None
        continued = line.endswith("\\") and (continued or match is not None)


def _without_preprocessor(text, choice):
    """Directives as blanks. Of #if … #elif … #else … #endif one branch, so that braces match: the `choice`-th, or the last
    where there are fewer. Also the number of branches of the largest of them."""
    lines = list(_directives(text))
    branches, open_groups = {}, []
    for number, (_, word) in enumerate(lines):
        if word in ("if", "ifdef", "ifndef"):
            open_groups.append(number)
            branches[number] = 1
        elif word in ("else", "elif") and open_groups:
            branches[open_groups[-1]] += 1
        elif word == "endif" and open_groups:
            open_groups.pop()
    out, stack = [], []  # stack: [branch now, branch wanted]
    for number, (line, word) in enumerate(lines):
        if word in ("if", "ifdef", "ifndef"):
            stack.append([0, min(choice, branches[number] - 1)])
        elif word in ("else", "elif") and stack:
            stack[-1][0] += 1
        elif word == "endif" and stack:
            stack.pop()
        out.append("" if word is not None or any(now != wanted for now, wanted in stack) else line)
    return "\n".join(out), max(branches.values(), default=1)


class _Reader:
    def __init__(self, text, choice):
        text, self.choices = _without_preprocessor(blank(text), choice)
        starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self.tokens = [(match[0], bisect.bisect_right(starts, match.start())) for match in _TOKEN.finditer(text)]
        self.deepest = 0

    def word(self, at):
        if at >= len(self.tokens):
            raise Unreadable("unexpected end of file")
        return self.tokens[at][0]

    def after_pair(self, at, opening, closing):
        """The position behind the pair that opens at `at`."""
        depth = 0
        while True:
            word = self.word(at)
            depth += (word == opening) - (word == closing)
            at += 1
            if depth == 0:
                return at

    def statement(self, at, depth):
        """Read one statement; return the position behind it."""
        self.deepest = max(self.deepest, depth)
        word = self.word(at)
        if word == "{":
            return self.block(at, depth)
        if word in ("if", "for", "while", "switch"):
            at = self.statement(self.body_of(self.after_pair(at + 1, "(", ")")), depth + 1)
            if word == "if" and self.word(at) == "else":
                chained = self.word(at + 1) == "if"  # else if: the same level
                return self.statement(at + 1, depth if chained else depth + 1)
            return at
        if word == "do":
            at = self.statement(at + 1, depth + 1)
            return self.after_pair(at + 1, "(", ")") + 1
        if word in ("case", "default"):
            return self.statement(self.after_label(at), depth)
        return self.expression(at, depth)

    def body_of(self, at):
        return at

    def after_label(self, at):
        """Behind the colon of a case; a `?:` in it is not expected."""
        while self.word(at) != ":":
            at += 1
        at += 1
        return at

    def block(self, at, depth):
        at += 1
        while self.word(at) != "}":
            if self.word(at) == "{":
                at = self.statement(at, depth + 1)
            elif self.word(at) in ("case", "default") or self.is_label(at):
                at = self.after_label(at)
            else:
                at = self.statement(at, depth)
        return at + 1

    def is_label(self, at):
        return self.word(at + 1) == ":" and re.match(r"[A-Za-z_]", self.word(at)) and self.word(at + 2) != ":"

    def expression(self, at, depth):
        """Up to and with the semicolon; NAME(...) { … } is a loop made by a macro."""
        start, assigned = at, False
        while True:
            word = self.word(at)
            if word == ";":
                return at + 1
            if word == "}":
                return at  # a macro without a semicolon
            if word in ("(", "["):
                at = self.after_pair(at, word, ")" if word == "(" else "]")
                continue
            if word == "{":
                if not assigned and at > start and self.word(at - 1) == ")" and self.word(start + 1) == "(":
                    return self.statement(at, depth + 1)
                at = self.after_pair(at, "{", "}")
                continue
            assigned = assigned or word == "="
            at += 1

    def functions(self):
        found, at, start = [], 0, 0
        while at < len(self.tokens):
            word = self.word(at)
            if word in (";", "}"):
                at, start = at + 1, at + 1
            elif word == "{" and self.word(at - 1).startswith('"'):  # extern "C" {
                at, start = at + 1, at + 1
            elif word == "{":
                function = self.function(start, at)
                if function is None:
                    at = self.after_pair(at, "{", "}")
                else:
                    found.append(function)
                    at = start = function.end
            else:
                at += 1
        return found

    def function(self, start, brace):
        """The function whose body opens at `brace` and whose declaration begins at `start`; None: it is none."""
        names = []
        at = start
        while at < brace:
            word = self.word(at)
            if word == "=":
                return None
            if word == "(":
                if at > start and re.match(r"[A-Za-z_]", self.word(at - 1)) and self.word(at - 1) != "__attribute__":
                    names.append(at)
                at = self.after_pair(at, "(", ")")
                continue
            if word in ("struct", "union", "enum", "class") and not names and self.word(brace - 1) != ")":
                return None
            at += 1
        if not names or self.word(names[0] - 1) in _NO_FUNCTION:
            return None
        opening = names[0]
        self.deepest = 0
        end = self.block(brace, 0)
        function = Function(self.word(opening - 1), self.tokens[start][1], self.tokens[end - 1][1],
                            self.parameters(opening), self.deepest)
        function.end = end
        return function

    def parameters(self, opening):
        end = self.after_pair(opening, "(", ")") - 1
        words = [self.word(at) for at in range(opening + 1, end)]
        if not words or words == ["void"]:
            return 0
        depth, count = 0, 1
        for word in words:
            depth += (word in "([{") - (word in ")]}")
            count += word == "," and depth == 0
        return count - (words[-1] == "...")


def functions(path):
    """Every function that a file defines, in all branches of its #if. Raises Unreadable with what was not understood."""
    text = path.read_text()
    found, choice, choices = {}, 0, 1
    while choice < choices:
        reader = _Reader(text, choice)
        try:
            for function in reader.functions():
                found[function.name, function.first] = function
        except IndexError as error:
            raise Unreadable(str(error)) from error
        choice, choices = choice + 1, reader.choices
    return sorted(found.values(), key=lambda function: function.first)
