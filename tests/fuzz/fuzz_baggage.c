/*
 * The baggage header: any bytes, in one or several lines, with keys that become MDC entries and
 * back.
 */
#include "tests/fuzz/propagation_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void publish_keys(void)
{
    static const char *const names[] = {"tracecontext", "baggage", "xrequestid"};
    static const char *const keys[] = {"a", "b", "user"};
    static struct weftp_propagation *propagation;
    const struct weftp_propagation_names settings = {names, 3, keys, 3, WEFT_TRUST_CONTINUE, NULL};
    if (propagation) return;
    must(weftp_propagation_create(&propagation, &settings) == WEFT_OK);
    weftp_propagation_publish(propagation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_carrier carrier = {0};
    publish_keys();
    fuzz_add_lines(&carrier, "baggage", data, size);
    fuzz_pass_on(&carrier, "baggage");
    return 0;
}
