/*
 * What is logged. Values come from volatile variables, so that nothing is known at compile time,
 * and latency_us changes with every record.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct workload {
    const char *volatile order_id, *volatile customer, *volatile method, *volatile currency,
                                                                             *volatile path;
    volatile double amount;
    volatile int64_t items, shard;
    volatile bool gift;
    const char *volatile esc_message;
};
extern struct workload workload;

#define WORKLOAD_LOGGER     "orders.api"
#define WORKLOAD_MESSAGE    "order accepted"
#define WORKLOAD_LATENCY(i) ((int64_t)(20000 + (i) % 10000))

/* The context, put once per thread. */
#define WORKLOAD_REQUEST_ID "7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310"
#define WORKLOAD_USER       "u-1029384"
#define WORKLOAD_TENANT     "acme-eu"

/* The ten fields of R10, as arguments of a call; `i` is the number of the record. */
#define WORKLOAD_FIELDS(i)                                                                         \
    weft_str("order_id", workload.order_id), weft_str("customer", workload.customer),              \
        weft_str("payment", workload.method), weft_double("amount", workload.amount),              \
        weft_str("currency", workload.currency), weft_int("items", workload.items),                \
        weft_int("latency_us", WORKLOAD_LATENCY(i)), weft_int("shard", workload.shard),            \
        weft_bool("gift", workload.gift), weft_str("path", workload.path)

#endif
