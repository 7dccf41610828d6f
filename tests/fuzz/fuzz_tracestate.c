/* The tracestate header: any bytes, in one or several lines. */
#include "tests/fuzz/propagation_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct fuzz_carrier carrier = {0};
    fuzz_add(&carrier, "traceparent", parent, sizeof parent - 1);
    fuzz_add_lines(&carrier, "tracestate", data, size);
    fuzz_pass_on(&carrier, "tracestate");
    return 0;
}
