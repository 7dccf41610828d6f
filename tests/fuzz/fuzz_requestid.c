/* The x-request-id header: any bytes, in one or several lines. */
#include "tests/fuzz/propagation_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_carrier carrier = {0};
    fuzz_add_lines(&carrier, "x-request-id", data, size);
    fuzz_pass_on(&carrier, "x-request-id");
    return 0;
}
