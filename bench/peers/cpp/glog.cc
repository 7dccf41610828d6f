/* glog: its stream and its own prefix, into its log file. It has no fields and no context: both are streamed as text. */
#include "bench/bench.h"
#include "bench/workload.h"

#include <glog/logging.h>

namespace
{
thread_local const char *volatile request_id, *volatile user, *volatile tenant;

#define TEXT(name) static_cast<const char *>(workload.name)
#define CONTEXT                                                                                    \
    " request_id=" << static_cast<const char *>(request_id)                                        \
                   << " user=" << static_cast<const char *>(user)                                  \
                   << " tenant=" << static_cast<const char *>(tenant)
#define R10(i)                                                                                     \
    WORKLOAD_MESSAGE << " order_id=" << TEXT(order_id) << " customer=" << TEXT(customer)           \
                     << " payment=" << TEXT(method) << " amount=" << double{workload.amount}       \
                     << " currency=" << TEXT(currency) << " items=" << int64_t{workload.items}     \
                     << " latency_us=" << WORKLOAD_LATENCY(i)                                      \
                     << " shard=" << int64_t{workload.shard} << " gift=" << bool{workload.gift}    \
                     << " path=" << TEXT(path) << CONTEXT

void run(bench_kind kind, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) {
        switch (kind) {
        case BENCH_R10: LOG(INFO) << R10(i); break;
        case BENCH_R0: LOG(INFO) << WORKLOAD_MESSAGE << CONTEXT; break;
        case BENCH_ESC: LOG(INFO) << TEXT(esc_message) << CONTEXT; break;
        case BENCH_OFF: VLOG(1) << R10(i); break;
        default: break;
        }
    }
}

bool drain()
{
    google::FlushLogFiles(google::INFO);
    return true;
}

bool open_file(const bench_job *job)
{
    FLAGS_timestamp_in_logfile_name = false;
    FLAGS_minloglevel = 0;
    FLAGS_log_utc_time = true;
    FLAGS_max_log_size = 4000;
    google::InitGoogleLogging("weft_bench");
    google::SetLogDestination(google::INFO, job->path);
    google::SetLogSymlink(google::INFO, "");
    google::SetStderrLogging(google::FATAL);
    bench_drain_set(drain);
    return true;
}

bool thread_open()
{
    request_id = WORKLOAD_REQUEST_ID;
    user = WORKLOAD_USER;
    tenant = WORKLOAD_TENANT;
    return true;
}

bool close_all()
{
    google::ShutdownGoogleLogging();
    return true;
}

const bench_way glog_way = {"glog", "", true, open_file, thread_open, run, close_all, nullptr};
} // namespace

int main(int argc, char **argv)
{
    static const bench_way *const ways[] = {&glog_way};
    return bench_main(argc, argv, ways, 1);
}
