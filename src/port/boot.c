#include "boot.h"

#include "hex.h"
#include "lock.h"
#include "random.h"

#include <stdatomic.h>
#include <string.h>

#define WAIT_US 20

/*
 * Generations are never 0, and a child's is none that the memory it inherited can hold: so what a parent was in the
 * middle of is never waited for.
 */
static _Atomic uint32_t drawn_by; /* the generation that draws, or has drawn */
static _Atomic uint32_t ready_of; /* the generation that `own` belongs to */
static char own[WEFTP_BOOT_ID_SIZE + 1];

void weftp_boot_draw(char id[WEFTP_BOOT_ID_SIZE + 1])
{
    unsigned char bytes[WEFTP_BOOT_ID_SIZE / 2];
    weftp_random_bytes(bytes, sizeof bytes);
    *weftp_hex_put(id, bytes, sizeof bytes) = '\0';
}

uint32_t weftp_boot_id(char id[WEFTP_BOOT_ID_SIZE + 1])
{
    const uint32_t generation = weftp_random_generation();
    uint32_t seen = atomic_load(&drawn_by);
    if (seen != generation) {
        char mine[WEFTP_BOOT_ID_SIZE + 1];
        weftp_boot_draw(mine);
        if (atomic_compare_exchange_strong(&drawn_by, &seen, generation)) {
            memcpy(own, mine, sizeof own);
            atomic_store_explicit(&ready_of, generation, memory_order_release);
        }
    }
    while (atomic_load_explicit(&ready_of, memory_order_acquire) != generation)
        weftp_nap_us(WAIT_US);
    memcpy(id, own, sizeof own);
    return generation;
}
