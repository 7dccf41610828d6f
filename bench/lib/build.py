"""Build weft_bench where no built one was given."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def weft_bench():
    """Returns the path of the program, built with optimisation in build/bench."""
    folder = os.path.join(ROOT, "build", "bench")
    configure = ["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DWEFT_BENCH=ON", "-DWEFT_TESTS=OFF",
                 "-DWEFT_EXAMPLES=OFF"]
    if shutil.which("ninja") and not os.path.exists(os.path.join(folder, "CMakeCache.txt")):
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", folder, "--target", "weft_bench", "-j", str(os.cpu_count())]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.stderr.buffer.write(done.stdout)
            sys.exit("bench/run: the build failed")
    return os.path.join(folder, "bench", "weft_bench")
