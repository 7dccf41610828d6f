/* For tests of what is logged: each case has a capture of its own, and leaves the thread as it was. */
#ifndef WEFT_TESTS_SUPPORT_CAPTURE_H
#define WEFT_TESTS_SUPPORT_CAPTURE_H

#include <weft/test.h>
#include <weft/weft.h>

static weft_capture *capture;

static inline int begin_capture(void **state)
{
    (void)state;
    weft_mdc_clear();
    capture = weft_test_capture(NULL);
    return capture ? 0 : -1;
}

static inline int end_capture(void **state)
{
    (void)state;
    weft_test_release(capture);
    const bool left = weft_mdc_count() > 0 || weft_trace_ids(NULL, NULL) == WEFT_OK;
    weft_mdc_clear();
    return left ? -1 : 0; /* every test leaves the thread as it was */
}

#endif
