/*
 * weft's line (ECS, no service set), piece by piece, for the ways that write it by hand.
 * weft_bench --check compares.
 */
#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include "workload.h"

#define SHAPE_THREAD "weft_bench"

#define SHAPE_TIME  "{\"@timestamp\":\""
#define SHAPE_LEVEL "\",\"log.level\":\"INFO\",\"message\":\""
#define SHAPE_ORIGIN                                                                               \
    "\",\"ecs.version\":\"1.2.0\",\"process.thread.name\":\"" SHAPE_THREAD                         \
    "\",\"log.logger\":\"" WORKLOAD_LOGGER "\",\"labels\":{"
#define SHAPE_MDC                                                                                  \
    "\"request_id\":\"" WORKLOAD_REQUEST_ID "\",\"user\":\"" WORKLOAD_USER                         \
    "\",\"tenant\":\"" WORKLOAD_TENANT "\""
#define SHAPE_ORDER   "\"order_id\":\""
#define SHAPE_NAME    "\",\"customer\":\""
#define SHAPE_PAYMENT "\",\"payment\":\""
#define SHAPE_EUR     "\",\"currency\":\""
#define SHAPE_GIFT    "\",\"gift\":"
#define SHAPE_PATH    ",\"path\":\""
#define SHAPE_AMOUNT  "},\"numeric_labels\":{\"amount\":"
#define SHAPE_ITEMS   ",\"items\":"
#define SHAPE_LATENCY ",\"latency_us\":"
#define SHAPE_SHARD   ",\"shard\":"

#endif
