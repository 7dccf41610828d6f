/* A call with 0 to 64 fields, as it is written in a program: a text, an integer, a double, a bool, and again. */
#include "way_grow.h"
#include "workload.h"

#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

#define F1(n) weft_str("text_" #n, workload.method)
#define F2(n) F1(n), weft_int("items_" #n, workload.items)
#define F4(n)                                                                                      \
    F2(n), weft_double("amount_" #n, workload.amount), weft_bool("gift_" #n, workload.gift)
#define F8(n)  F4(n##0), F4(n##1)
#define F16(n) F8(n##0), F8(n##1)
#define F32(n) F16(n##0), F16(n##1)
#define F64(n) F32(n##0), F32(n##1)

static char message[WAY_GROW_MESSAGE_BYTES_MAX + 1];

static void run_0(weft_logger *log)
{
    weft_info(log, message);
}

#define RUN(count)                                                                                 \
    static void run_##count(weft_logger *log)                                                      \
    {                                                                                              \
        weft_info(log, message, F##count(0));                                                      \
    }
RUN(1)
RUN(2)
RUN(4)
RUN(8)
RUN(16)
RUN(32)
RUN(64)

static const struct {
    unsigned fields;
    void (*run)(weft_logger *log);
} calls[] = {{0, run_0}, {1, run_1},   {2, run_2},   {4, run_4},
             {8, run_8}, {16, run_16}, {32, run_32}, {64, run_64}};
static void (*call)(weft_logger *log);

bool way_grow_open(const struct bench_job *job)
{
    if (job->message_bytes > WAY_GROW_MESSAGE_BYTES_MAX || job->mdc > WAY_GROW_MDC_MAX)
        return false;
    memset(message, 'w', job->message_bytes);
    message[job->message_bytes] = '\0';
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].fields == job->fields) call = calls[i].run;
    return call != NULL;
}

bool way_grow_thread_open(const struct bench_job *job)
{
    bool ok = true;
    for (unsigned i = 0; i < job->mdc; i++) {
        char key[32];
        snprintf(key, sizeof key, "context_%u", i);
        ok = ok && weft_mdc_put(key, WORKLOAD_TENANT) == WEFT_OK;
    }
    return ok;
}

void way_grow_run(weft_logger *log, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) call(log);
}
