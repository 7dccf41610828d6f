/*
 * quill: its JSON file sink with an ISO time, its per-thread context, and its default queue, or one
 * that is bounded and blocks. All values are strings in its JSON.
 */
#include "bench/bench.h"
#include "bench/workload.h"

#include <cstdio>
#include <ctime>
#include <quill/Backend.h>
#include <quill/Frontend.h>
#include <quill/LogMacros.h>
#include <quill/Logger.h>
#include <quill/sinks/JsonSink.h>
#include <string>

namespace
{
/* What is in the statement is the context, formatted once by quill's backend. */
class ecs_sink : public quill::JsonFileSink
{
  public:
    using quill::JsonFileSink::JsonFileSink;

    void generate_json_message(quill::MacroMetadata const *, uint64_t time_ns, std::string_view,
                               std::string_view, std::string const &, std::string_view logger,
                               quill::LogLevel, std::string_view level, std::string_view,
                               std::vector<std::pair<std::string, std::string>> const *fields,
                               std::string_view message, std::string_view context,
                               char const *format) override
    {
        _json_message.append(std::string_view{"{\"@timestamp\":\""});
        time_put(time_ns);
        _json_message.append(std::string_view{"\",\"log.level\":\""});
        _json_message.append(level);
        _json_message.append(std::string_view{"\",\"message\":\""});
        /* a format with named fields is not filled in: the message is what comes before them */
        const std::string_view whole{format};
        _append_json_escaped(_json_message, fields ? whole.substr(0, whole.find('{')) : message);
        _json_message.append(std::string_view{"\",\"ecs.version\":\"1.2.0\",\"process.thread."
                                              "name\":\"weft_bench\",\"log.logger\":\""});
        _json_message.append(logger);
        _json_message.push_back('"');
        _json_message.append(context.substr(0, context.find('\n')));
        if (!fields) return;
        for (auto const &[key, value] : *fields) {
            _json_message.append(std::string_view{",\""});
            _json_message.append(key);
            _json_message.append(std::string_view{"\":\""});
            _append_json_escaped(_json_message, value);
            _json_message.push_back('"');
        }
    }

  private:
    void time_put(uint64_t time_ns)
    {
        const time_t now = static_cast<time_t>(time_ns / 1000000000);
        if (now != second) {
            tm utc;
            gmtime_r(&now, &utc);
            strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &utc);
            second = now;
        }
        char micros[8] = "000000Z";
        auto left = static_cast<uint32_t>(time_ns % 1000000000 / 1000);
        for (int digit = 5; digit >= 0; digit--, left /= 10)
            micros[digit] = static_cast<char>('0' + left % 10);
        _json_message.append(text, text + 20);
        _json_message.append(micros, micros + 7);
    }

    time_t second = -1;
    char text[32];
};

struct bounded_options : quill::FrontendOptions {
    static constexpr quill::QueueType queue_type = quill::QueueType::BoundedBlocking;
    static constexpr size_t initial_queue_capacity = 1 << 20;
};

template <class OPTIONS> struct way {
    using frontend = quill::FrontendImpl<OPTIONS>;
    using logger = quill::LoggerImpl<OPTIONS>;
    static inline logger *log_all;

    static bool open(const bench_job *job)
    {
        quill::BackendOptions backend;
        backend.check_printable_char = {};                  /* keep UTF-8 as it is */
        backend.mdc_format_pattern = ",\"{}\":\"{}\",\"\""; /* k":"v","k":"v" */
        quill::Backend::start(backend);
        quill::FileSinkConfig config;
        config.set_open_mode('a');
        auto sink = frontend::template create_or_get_sink<ecs_sink>(std::string{job->path}, config);
        log_all = frontend::create_or_get_logger(
            WORKLOAD_LOGGER, std::move(sink),
            quill::PatternFormatterOptions{"%(mdc)", "%H:%M:%S", quill::Timezone::GmtTime});
        bench_drain_set(drain);
        return true;
    }

    static bool drain()
    {
        log_all->flush_log();
        return true;
    }

    static bool thread_open()
    {
        frontend::preallocate();
        log_all->set_mdc("request_id", WORKLOAD_REQUEST_ID, "user", WORKLOAD_USER, "tenant",
                         WORKLOAD_TENANT);
        return true;
    }

#define FIELDS(i)                                                                                  \
    static_cast<const char *>(workload.order_id), static_cast<const char *>(workload.customer),    \
        static_cast<const char *>(workload.method), static_cast<double>(workload.amount),          \
        static_cast<const char *>(workload.currency), static_cast<int64_t>(workload.items),        \
        WORKLOAD_LATENCY(i), static_cast<int64_t>(workload.shard),                                 \
        static_cast<bool>(workload.gift), static_cast<const char *>(workload.path)
#define FORMAT                                                                                     \
    WORKLOAD_MESSAGE "{order_id}{customer}{payment}{amount}{currency}{items}{latency_us}{shard}"   \
                     "{gift}{path}"

    static void run(bench_kind kind, uint64_t records)
    {
        logger *const same = log_all;
        for (uint64_t i = 0; i < records; i++) {
            logger *log = same;
            __asm__ volatile("" : "+r"(log) : : "memory");
            switch (kind) {
            case BENCH_R10: QUILL_LOG_INFO(log, FORMAT, FIELDS(i)); break;
            case BENCH_R0: QUILL_LOG_INFO(log, WORKLOAD_MESSAGE); break;
            case BENCH_ESC:
                QUILL_LOG_INFO(log, "{}", static_cast<const char *>(workload.esc_message));
                break;
            case BENCH_OFF: QUILL_LOG_DEBUG(log, FORMAT, FIELDS(i)); break;
            default: break;
            }
        }
    }

    static bool close()
    {
        quill::Backend::stop();
        return true;
    }
};

using unbounded = way<quill::FrontendOptions>;
using bounded = way<bounded_options>;
const bench_way unbounded_way = {
    "quill",          "",     true, unbounded::open, unbounded::thread_open, unbounded::run,
    unbounded::close, nullptr};
const bench_way bounded_way = {"quill_bounded",      "",           true,           bounded::open,
                               bounded::thread_open, bounded::run, bounded::close, nullptr};
} // namespace

int main(int argc, char **argv)
{
    static const bench_way *const ways[] = {&unbounded_way, &bounded_way};
    return bench_main(argc, argv, ways, 2);
}
