/*
 * spdlog: its own formatting into a file sink, in the caller's thread and behind its thread pool.
 * It has no fields and writes no JSON: both are in the format string, and nothing is escaped.
 */
#include "bench/bench.h"
#include "bench/workload.h"

#include <atomic>
#include <mutex>
#include <spdlog/async.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <thread>

namespace
{
std::atomic<unsigned> flushes;

/* spdlog's basic file sink, and the count of flushes that it has done. */
class file_sink : public spdlog::sinks::base_sink<std::mutex>
{
  public:
    explicit file_sink(const char *path) { file.open(path, false); }

  protected:
    void sink_it_(const spdlog::details::log_msg &message) override
    {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        file.write(text);
    }
    void flush_() override
    {
        file.flush();
        flushes.fetch_add(1, std::memory_order_release);
    }

  private:
    spdlog::details::file_helper file;
};

std::shared_ptr<spdlog::logger> log_all;
thread_local const char *volatile request_id, *volatile user, *volatile tenant;

#define HEAD "\"message\":\"{}\",\"labels\":{{"
#define MDC  "\"request_id\":\"{}\",\"user\":\"{}\",\"tenant\":\"{}\"}}"
#define R10                                                                                        \
    HEAD "\"order_id\":\"{}\",\"customer\":\"{}\",\"payment\":\"{}\",\"amount\":{},"               \
         "\"currency\":\"{}\",\"items\":{},\"latency_us\":{},\"shard\":{},\"gift\":{},"            \
         "\"path\":\"{}\"," MDC
#define CONTEXT                                                                                    \
    static_cast<const char *>(request_id), static_cast<const char *>(user),                        \
        static_cast<const char *>(tenant)
#define TEXT(name) static_cast<const char *>(workload.name)

template <spdlog::level::level_enum LEVEL> void run_r10(uint64_t records)
{
    for (uint64_t i = 0; i < records; i++)
        log_all->log(LEVEL, R10, WORKLOAD_MESSAGE, TEXT(order_id), TEXT(customer), TEXT(method),
                     static_cast<double>(workload.amount), TEXT(currency),
                     static_cast<int64_t>(workload.items), WORKLOAD_LATENCY(i),
                     static_cast<int64_t>(workload.shard), static_cast<bool>(workload.gift),
                     TEXT(path), CONTEXT);
}

void run_message(const char *volatile &message, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++)
        log_all->info(HEAD MDC, static_cast<const char *>(message), CONTEXT);
}

void run(bench_kind kind, uint64_t records)
{
    static const char *volatile short_message = WORKLOAD_MESSAGE;
    if (kind == BENCH_R10) run_r10<spdlog::level::info>(records);
    if (kind == BENCH_OFF) run_r10<spdlog::level::debug>(records);
    if (kind == BENCH_R0) run_message(short_message, records);
    if (kind == BENCH_ESC) run_message(workload.esc_message, records);
}

bool drain()
{
    const unsigned before = flushes.load();
    log_all->flush();
    while (flushes.load(std::memory_order_acquire) == before) std::this_thread::yield();
    return true;
}

bool log_open(std::shared_ptr<spdlog::logger> logger)
{
    log_all = std::move(logger);
    log_all->set_pattern("{\"@timestamp\":\"%Y-%m-%dT%H:%M:%S.%fZ\",\"log.level\":\"%l\","
                         "\"ecs.version\":\"1.2.0\",\"process.thread.name\":\"weft_bench\","
                         "\"log.logger\":\"%n\",%v}",
                         spdlog::pattern_time_type::utc);
    bench_drain_set(drain);
    return true;
}

bool open_sync(const bench_job *job)
{
    return log_open(
        std::make_shared<spdlog::logger>(WORKLOAD_LOGGER, std::make_shared<file_sink>(job->path)));
}

bool open_async(const bench_job *job)
{
    spdlog::init_thread_pool(8192, 1);
    return log_open(std::make_shared<spdlog::async_logger>(
        WORKLOAD_LOGGER, std::make_shared<file_sink>(job->path), spdlog::thread_pool(),
        spdlog::async_overflow_policy::block));
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
    log_all.reset();
    spdlog::shutdown();
    return true;
}

const bench_way sync_way = {"spdlog", "", true, open_sync, thread_open, run, close_all, nullptr};
const bench_way async_way = {"spdlog_async", "",  true,      open_async,
                             thread_open,    run, close_all, nullptr};
} // namespace

int main(int argc, char **argv)
{
    static const bench_way *const ways[] = {&sync_way, &async_way};
    return bench_main(argc, argv, ways, 2);
}
