#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/port/text_size.h"

#define SIZE_MOST 100

/* Every size at every place, between bytes that are not the text's: zeroes and others. */
static void every_size_and_place(void **state)
{
    (void)state;
    static _Alignas(64) char bytes[SIZE_MOST + 64];
    for (int around = 0; around < 2; around++)
        for (size_t at = 0; at < 32; at++)
            for (size_t size = 0; size <= SIZE_MOST - 1; size++) {
                memset(bytes, around ? 'x' : 0, sizeof bytes);
                memset(bytes + at, 0x80, size);
                bytes[at + size] = '\0';
                assert_int_equal(weftp_text_size(bytes + at), size);
            }
}

/* Nothing of the next page, or of the one before, is looked at. */
static void ends_of_pages(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    char *first = pages + page, *end = first + page;
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(end, page, PROT_NONE), 0);
    memset(first, 'a', page - 1);
    for (size_t size = 0; size <= SIZE_MOST; size++)
        assert_int_equal(weftp_text_size(end - 1 - size), size);
    for (size_t size = SIZE_MOST; size > 0; size--) {
        first[size] = '\0';
        assert_int_equal(weftp_text_size(first), size);
    }
    munmap(pages, 3 * page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_and_place),
        cmocka_unit_test(ends_of_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
