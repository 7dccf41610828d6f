/* The ways of weft itself, and what its figures are read against: see harness.c for the arguments. */
#include "bench.h"

static const struct bench_way *const ways[] = {
    &bench_way_weft,       &bench_way_write,      &bench_way_snprintf, &bench_way_hand_write,
    &bench_way_hand_batch, &bench_way_hand_mutex, &bench_way_encode,   &bench_way_hand_encode,
    &bench_way_pack,       &bench_way_unpack,     &bench_way_empty};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, ways, sizeof ways / sizeof *ways);
}
