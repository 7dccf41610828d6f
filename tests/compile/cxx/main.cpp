// The same library from C++17: overloads instead of _Generic, scopes by destructors, std::string as a value.
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <weft/sys/encoder.h>
#include <weft/sys/sink.h>
#include <weft/test.h>
#include <weft/weft.h>

void log_from_other_file(weft_logger *log);

namespace
{

struct release_context {
    void operator()(weft_context *context) const { weft_mdc_release(context); }
};
using context_ptr = std::unique_ptr<weft_context, release_context>;

void fail_inside_of_a_scope(weft_logger *log)
{
    WEFT_MDC_SCOPE("step", std::string("pay"));
    weft_error(log, "about to throw", weft_kv("attempt", 2u));
    throw std::runtime_error("declined");
}

template <class T> void log_value(weft_logger *log, const T &value)
{
    weft_info(log, "generic", weft_kv("value", value));
}

} // namespace

int main()
{
    weft_logger *const log = weft_logger_get("consumer");
    const std::string order = "o-1";
    const std::string_view part = std::string_view(order).substr(0, 1);
    const std::vector<char> bytes{'a', 'b', 'c'};

    weft_mdc_put("request_id", "r-42");
    weft_info(log, "order accepted", weft_kv("order_id", order), weft_kv("items", 3),
              weft_kv("part", part), weft_kv("gift", true), weft_kv("amount", 12.5),
              weft_kv("vector", bytes), weft_kv("nothing", nullptr),
              weft_obj("peer", weft_str("name", "db"), weft_arr("ports", weft_int(nullptr, 1))));
    try {
        fail_inside_of_a_scope(log);
    } catch (const std::runtime_error &error) {
        weft_warn(log, "caught", weft_error_info("std::runtime_error", error.what(), nullptr));
    }
    log_value(log, std::string("text"));
    log_value(log, 7L);

    context_ptr context(weft_mdc_capture());
    std::thread thread([log, captured = std::move(context)] {
        const weft_mdc_token token = weft_mdc_attach(captured.get());
        weft_info(log, "in thread");
        weft_mdc_detach(token);
    });
    thread.join();
    const auto lambda = [](weft_logger *logger) { weft_infof(logger, "took %d ms", 7); };
    lambda(log);
    log_from_other_file(WEFT_LOGGER("consumer.other"));
    return 0;
}
