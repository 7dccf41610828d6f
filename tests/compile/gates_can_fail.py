#!/usr/bin/env -S python3 -B
"""The gates find what they are for: each is aimed at a small tree with one mistake in it, and at the same tree without."""
import pathlib
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"
failures = []


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def expect(gate, files, wanted):
    """`wanted`: a part of the finding, or None where the gate must be content."""
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder), files)
        done = subprocess.run([str(SCRIPTS / gate), "--root", folder], capture_output=True, text=True)
    if wanted is None:
        good = done.returncode == 0
    else:
        good = done.returncode == 1 and wanted in done.stdout
    if not good:
        failures.append(f"{gate} should {'pass' if wanted is None else 'say ' + repr(wanted)} on {files}, and ended with "
                        f"{done.returncode}:\n{done.stdout}{done.stderr}")


def sizes():
    def function(lines):
        return "static int f(void)\n{\n" + "    g();\n" * (lines - 3) + "}\n"
    short = "static void s(void)\n{\n}\n" * 5
    expect("gate-sizes", {"src/a/a.c": short + function(70)}, None)
    expect("gate-sizes", {"src/a/a.c": short + function(71)}, "f has 71 lines")
    expect("gate-sizes", {"src/a/a.c": function(20)}, "the median function has 20 lines")
    expect("gate-sizes", {"src/a/a.c": "\n" * 451}, "451 lines")
    expect("gate-sizes", {"src/a/a.c": "int f(int a, int b, int c, int d, int (*e)(int, int), int g)\n{\n}\n"}, None)
    expect("gate-sizes", {"src/a/a.c": "int f(int a, int b, int c, int d, int e, int g, int h)\n{\n}\n"}, "7 parameters")
    # Strings, comments, initialisers and else-if chains are no nesting; loops by macro and bare blocks are.
    four = "void f(int a)\n{\n if (a) for (;;) while (a) { if (a) g(\"{{{\"); /* { */ }\n%s}\n"
    expect("gate-sizes", {"src/a/a.c": four % ""}, None)
    expect("gate-sizes", {"src/a/a.c": four % " if (a) g(); else if (a) g(); else if (a) g(); else if (a) g(); else if (a) g();\n"}, None)
    expect("gate-sizes", {"src/a/a.c": four % " struct x y[1][1][1][1][1] = {{{{{1}}}}};\n"}, None)
    five = "void f(int a)\n{\n if (a) { for (;;) { while (a) { switch (a) { case 1: if (a) return; } } } }\n}\n"
    expect("gate-sizes", {"src/a/a.c": five}, "5 levels of nesting")
    expect("gate-sizes", {"src/a/a.c": five.replace("for (;;)", "EACH(x)").replace("switch (a) { case 1:", "do {").replace(
        "return; }", "return; } while (a);")}, "5 levels of nesting")
    expect("gate-sizes", {"src/a/a.c": "#if A\nint f(void)\n{\n#else\nint g(void)\n{\n#endif\n" + "x();\n" * 80 + "}\n"}, "g has 84")
    expect("gate-sizes", {"src/a/a.c": "#if A\nint f(void);\n#else\n" + function(80) + "#endif\n"}, "f has 80")


def layers():
    port = {"src/port/clock.h": "", "src/base/out.h": "", "src/mdc/mdc.h": "", "src/encode/ecs.h": "", "src/weft/weft.h": "",
            "sinks/kit/spool.h": "", "sinks/file.h": "", "src/config/settings.h": "", "src/pipeline/pipeline.h": "",
            "include/weft/log.h": "", "include/weft/field.h": "", "src/record/pair.h": ""}
    for source, include, wanted in (
            ("src/base/a.c", '"../port/clock.h"', None),
            ("src/port/a.c", '"../base/out.h"', "port includes src/base/out.h"),
            ("src/encode/a.c", '"../mdc/mdc.h"', "encode includes src/mdc/mdc.h"),
            ("src/pipeline/a.c", '"../encode/ecs.h"', "pipeline includes src/encode/ecs.h"),
            ("src/logger/a.c", '"../config/settings.h"', "logger includes src/config/settings.h"),
            ("src/config/a.c", '"../../sinks/file.h"', None),
            ("src/config/a.c", '"../weft/weft.h"', "nothing includes weft"),
            ("src/weft/a.c", '"../config/settings.h"', None),
            ("sinks/a.c", '"kit/spool.h"', None),
            ("sinks/a.c", '"../src/record/pair.h"', "sinks includes src/record/pair.h"),
            ("sinks/kit/a.c", '"../file.h"', "sinks/kit includes sinks/file.h"),
            ("src/base/a.c", "<weft/field.h>", None),
            ("src/base/a.c", "<weft/log.h>", "base includes <weft/log.h>"),
            ("src/base/a.c", '"missing.h"', "there is no such file"),
            ("src/novel/a.c", '"../base/out.h"', "src/novel has no level"),
            ("include/weft/a.h", '"../../src/base/out.h"', "is no public header")):
        expect("gate-layers", {**port, source: f"#include {include}\n"}, wanted)


def forbidden():
    for text, wanted in (
            ("void f(char *a) { strcpy(a, a); }", "strcpy"), ("/* strcpy(a) */ void f(void) {}", None),
            ("const char *a = \"sprintf(x)\";", None), ("int f(void) { return my_gets(1); }", None),
            ("void f(struct x *p) { p->gets(1); }", None), ("void f(void) { snprintf(0, 0, \"\"); }", None),
            ("void f(void) { strtok (a, b); }", "strtok"), ("char *f(void) { return getenv(\"A\"); }", "getenv"),
            ("extern char **environ;", "environ"), ("#ifdef __linux__\n#endif\n", "platforms are told apart")):
        expect("gate-forbidden", {"src/base/a.c": text + "\n"}, wanted)
    expect("gate-forbidden", {"src/config/settings_env.c": "char *f(void) { return secure_getenv(\"A\"); }\n"}, None)
    expect("gate-forbidden", {"src/port/a.c": "#ifdef __linux__\n#endif\n"}, None)


def mentions():
    expect("gate-mentions", {"docs/a.md": "see /wo" + "rk/main\n"}, "a path of one machine")
    expect("gate-mentions", {"docs/a.md": "see ../sha" + "red/x\n"}, "outside of the repository")
    expect("gate-mentions", {"docs/a.md": "from py" + "pi.org\n"}, "a package registry")
    expect("gate-mentions", {"docs/a.md": "the worker's frame/work/flow\n"}, None)


def docs():
    good = {"README.md": "[a](docs/a.md#one-two)\n", "CHANGELOG.md": "", "docs/a.md": "# One `two`\n",
            "docs/Doxyfile": (SCRIPTS.parent / "docs/Doxyfile").read_text(),
            "include/weft/a.h": "/* What it is for. Threads: any. */\n/** Do it. Since: 0.1. */\nWEFT_API int weft_do(int it);\n"
                                "WEFT_API int weft_do_(int it);\n"}
    header = good["include/weft/a.h"]
    expect("gate-docs", good, None)
    expect("gate-docs", {**good, "README.md": "[a](docs/b.md)\n"}, "no such file")
    expect("gate-docs", {**good, "README.md": "[a](docs/a.md#three)\n"}, "no such heading")
    expect("gate-docs", {**good, "include/weft/a.h": header.replace("/** Do", "/* Do")}, "weft_do has no doc comment")
    expect("gate-docs", {**good, "include/weft/a.h": header.replace("Since", "From")}, "says since when")
    expect("gate-docs", {**good, "include/weft/a.h": header.replace("Do it.", "Do it.\n@param that  No.\n")}, "that")


def tree():
    expect("gate-tree", {"include/a": ""}, "LICENSE:0: is missing")
    expect("gate-tree", {"novel/a": ""}, "novel:0: does not belong")


for group in (sizes, layers, forbidden, mentions, docs, tree):
    group()
print("\n".join(failures) or "every gate finds its mistakes")
sys.exit(1 if failures else 0)
