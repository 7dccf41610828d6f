#include "workload.h"

/* 1,000 bytes: 40 quotes and 10 tabs to escape, 54 syllables of three bytes, and letters. */
#define KOREAN_9                                                                                   \
    "\xec\xa3\xbc\xeb\xac\xb8\xec\x9d\xb4 \xec\xa0\x91\xec\x88\x98\xeb\x90\xa8 "                   \
    "\xea\xb3\xa0\xea\xb0\x9d\xeb\x8b\x98"
#define QUOTES_8 "\"a\" \"bc\" \"def\" \"ghij\" "
#define LETTERS                                                                                    \
    "the quick brown fox jumps over the lazy dog while the weaver carries the thread from warp "   \
    "to warp, "
#define BLOCK KOREAN_9 "\t" QUOTES_8 LETTERS "and back again\t"
#define TAIL                                                                                       \
    KOREAN_9 " and that is the end of the story that this message has to tell: nothing more, "     \
             "nothing less, and quite some bytes more than it would need"

struct workload workload = {
    .order_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    .customer = "Maria Schneider",
    .method = "visa-4242",
    .currency = "EUR",
    .path = "/api/v1/orders/checkout",
    .amount = 1234.56,
    .items = 3,
    .shard = 17,
    .gift = true,
    .esc_message = BLOCK BLOCK BLOCK BLOCK BLOCK TAIL,
};
