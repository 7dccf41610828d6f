/*
 * Every way of calling weft that a compiler may trip over, in one file. matrix.py compiles it by every compiler, language
 * and option that users have, with all warnings as errors; CMakeLists.txt also links and runs it in a few of them.
 *
 * -DNOKV            C99: no _Generic, so no weft_kv and no WEFT_MDC_SCOPE
 * -DEXPR            calls where only an expression may stand (not with WEFT_STATEMENT)
 * -DNEST            a call inside of another call's arguments
 * -DWEFT_STATEMENT  without statement expressions
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

#ifdef NEST
#pragma GCC diagnostic ignored                                                                     \
    "-Wshadow" /* the inner call's names stand inside of the outer one's */
#endif
#define LOG WEFT_LOGGER("orders.db")

struct uuid {
    char text[37];
};

static int calls;
static const char *const id = "o-1";

static int side(void)
{
    return ++calls;
}

static weft_logger *get(weft_logger *log)
{
    ++calls;
    return log;
}

static struct uuid make_uuid(int n)
{
    struct uuid uuid;
    snprintf(uuid.text, sizeof uuid.text, "uuid-%d", n);
    return uuid;
}

static const char *name_of(int i)
{
    static const char *const names[] = {"a", "b"};
    return names[i & 1];
}

static int recurse(weft_logger *log, int n)
{
    if (n == 0) return 0;
    weft_info(log, "recursive", weft_int("n", recurse(log, n - 1)));
    return n;
}

static weft_status sink_open(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = NULL;
    return WEFT_OK;
}
static weft_status sink_write(void *self, const struct weft_line *lines, size_t count,
                              size_t *written)
{
    (void)self;
    (void)lines;
    *written = count;
    return WEFT_OK;
}
static void sink_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type my_sink = {
    sizeof(struct weft_sink_type), "mine", sink_open, sink_write, NULL, sink_close};

static void messages(weft_logger *log, int n)
{
    char buf[] = "mutable";
    weft_info(log, "zero");
    weft_info(log, NULL);
    weft_info(log, id);
    weft_info(log, buf, weft_int("n", n));
    weft_info(log, name_of(n));
    weft_info(NULL, "null logger");
    weft_info(log, "one", weft_str("id", id));
    weft_info(log, "order accepted", weft_str("order_id", id), weft_int("items", 3),
              weft_double("amount", 12.5), weft_bool("gift", true));
    weft_infof(log, "took %d ms", n);
    weft_infof(log, "plain");
    weft_log(log, n > 2 ? WEFT_LEVEL_WARN : WEFT_LEVEL_INFO, "run time", weft_uint("u", 1u));
    weft_log(log, WEFT_LEVEL_INFO, "run time zero");
    weft_info(LOG, "cached logger");
    weft_error(log, "failed", weft_error_info("io", "disk on fire", NULL));
    weft_fatal(log, "fatal", weft_int("LOG_INFO", LOG_INFO));
}

static void nesting(weft_logger *log, int n)
{
    weft_info(log, "nested",
              weft_obj("a", weft_int("x", n),
                       weft_obj("b", weft_str("y", id),
                                weft_arr("c", weft_int(NULL, 1), weft_str(NULL, "two"),
                                         weft_obj(NULL, weft_obj("d", weft_obj("e"))))),
                       weft_null("z")),
              weft_arr("empty"));
    weft_info(log, "conditional", n > 2 ? weft_int("big", n) : weft_none(),
              n > 5 ? weft_int("huge", n) : weft_none());
    weft_info(log, "temporary", weft_str("uuid", make_uuid(n).text));
}

static void statements(weft_logger *log, int n)
{
    if (n > 2)
        weft_info(log, "then");
    else
        weft_info(log, "else");
    if (n < 2)
        weft_info(log, "then");
    else if (n > 100)
        weft_warn(log, "x");
    else
        weft_info(log, "else", weft_int("n", n));
    for (int i = 0; i < 2; i++) weft_info(log, "loop", weft_str("name", name_of(i)));
    switch (n) {
    case 3: weft_info(log, "case"); break;
    default: weft_info(log, "default");
    }
    recurse(log, 3);
}

/* A call that is off evaluates no argument; one that is on evaluates its logger once. */
static int evaluation(weft_logger *log)
{
    calls = 0;
    weft_debug(log, "off", weft_int("side", side()));
    weft_debugf(log, "off %d", side());
    weft_log(log, WEFT_LEVEL_TRACE, "off", weft_int("side", side()));
    if (calls != 0) return puts("FAIL: an argument of a call that is off was evaluated");
    weft_info(get(log), "once");
    if (calls != 1) return puts("FAIL: the logger was not evaluated once");
    weft_debug(get(log), "off");
    if (calls != 2) return puts("FAIL: the logger of a call that is off was not evaluated once");
    weft_info(log, "argument once", weft_int("side", side()));
    if (calls != 3) return puts("FAIL: an argument was not evaluated once");
    if (weft_log_enabled(log, WEFT_LEVEL_DEBUG) || !weft_log_enabled(log, WEFT_LEVEL_WARN)) {
        return puts("FAIL: weft_log_enabled");
    }
    return 0;
}

#ifndef NOKV
enum colour { RED, GREEN };

static void every_type(weft_logger *log, int n, const bool on)
{
    int8_t i8 = -8;
    uint8_t u8 = 8;
    int16_t i16 = -16;
    uint16_t u16 = 16;
    int32_t i32 = -32;
    uint32_t u32 = 32;
    int64_t i64 = INT64_MIN;
    uint64_t u64 = UINT64_MAX;
    char buf[] = "mutable";
    size_t sz = sizeof buf;
    long l = -1;
    unsigned long ul = 1;
    long long ll = -2;
    unsigned long long ull = 2;
    float fl = 1.5f;
    double d = 2.5;
    long double ld = 3.5L;
    const bool cb = on;
    char c = 'c';
    enum colour col = GREEN;
    void *vp = buf;
    const void *cvp = NULL;
    volatile int vi = 5;
    ptrdiff_t pd = -3;
    const struct timespec ts = {1795328954, 123456789};
    weft_info(log, "kv", weft_kv("i8", i8), weft_kv("u8", u8), weft_kv("i16", i16),
              weft_kv("u16", u16), weft_kv("i32", i32), weft_kv("u32", u32), weft_kv("i64", i64),
              weft_kv("u64", u64), weft_kv("sz", sz), weft_kv("l", l), weft_kv("ul", ul),
              weft_kv("ll", ll), weft_kv("ull", ull), weft_kv("fl", fl), weft_kv("d", d),
              weft_kv("ld", ld), weft_kv("cb", cb), weft_kv("c", c), weft_kv("enum", col),
              weft_kv("vp", vp), weft_kv("cvp", cvp), weft_kv("vi", vi), weft_kv("pd", pd),
              weft_kv("lit", "literal"), weft_kv("buf", buf), weft_kv("id", id),
              weft_kv("true", true), weft_kv("cmp", n == 3), weft_kv("charlit", 'a'),
              weft_kv("cond", n ? "x" : "y"), weft_kv("ts", ts));
    weft_mdc_put_field(weft_kv("tenant", 12));
}

static void scope(weft_logger *log)
{
    int order = 7;
    WEFT_MDC_SCOPE("request_id", "r-43");
    WEFT_MDC_SCOPE("order", order);
    weft_info(log, "in scope");
}
#endif

static void other_makers(weft_logger *log, int n)
{
    char buf[] = "mutable";
    struct timespec ts = {1795328954, 123456789};
    weft_info(log, "rest", weft_time("at", ts), weft_duration_ns("took", 12000),
              weft_bytes("raw", buf, sizeof buf - 1), weft_strn("n", buf, 3),
              weft_json("j", "{\"a\":1}"), weft_errno("why", ENOENT), weft_errno("why2", errno));

    weft_field f[4];
    size_t k = 0;
    char key[8];
    f[k++] = weft_int("a", 1);
    snprintf(key, sizeof key, "dyn%d", n & 7);
    f[k++] = weft_str(key, id);
    f[k] = weft_objn("o", f, 2);
    k++;
    weft_log_fields(log, WEFT_LEVEL_INFO, "own array", f, k);

    weft_logger *child = weft_logger_with(log, weft_str("peer", "db"), weft_int("shard", n));
    weft_info(child, "bound");
    weft_logger_release(child);
}

static void contexts(weft_logger *log, int n)
{
    weft_mdc_token outer = weft_mdc_push(weft_str("k", "v"), weft_int("n", n));
    weft_info(log, "pushed");
    weft_mdc_pop(outer);

    weft_context *context = weft_mdc_capture();
    weft_mdc_token attached = weft_mdc_attach(context);
    weft_mdc_detach(attached);
    weft_mdc_release(context);
}

static int expressions(weft_logger *log, int n)
{
#ifdef EXPR
    for (int i = 0; i < 1; weft_info(log, "for header"), i++) {
    }
    n > 2 ? weft_info(log, "ternary") : (void)0;
    if (n == 3 && (weft_info(log, "comma"), n == 4)) return 9;
#ifdef NEST
    weft_info(log, "outer", weft_int("n", (weft_info(log, "inner"), 3)));
#endif
#else
    (void)log;
    (void)n;
#endif
    return 0;
}

#define FOUR(tens, n)                                                                              \
    weft_int("k" #tens "0", (n) + 0), weft_int("k" #tens "1", (n) + 1),                            \
        weft_int("k" #tens "2", (n) + 2), weft_int("k" #tens "3", (n) + 3)
static void sixty_four(weft_logger *log, int n)
{
    weft_info(log, "sixty-four", FOUR(0, n), FOUR(1, n), FOUR(2, n), FOUR(3, n), FOUR(4, n),
              FOUR(5, n), FOUR(6, n), FOUR(7, n), FOUR(8, n), FOUR(9, n), FOUR(10, n), FOUR(11, n),
              FOUR(12, n), FOUR(13, n), FOUR(14, n), FOUR(15, n));
}

int main(void)
{
    weft_logger *log = weft_logger_get("orders.api");
    int n = 3;
    weft_options options = weft_options_default();
    weft_options by_macro = WEFT_OPTIONS_INIT;
    options.service = "orders";
    by_macro.service = "orders";
    if (weft_init(&options) || weft_init(&by_macro)) return 2;
    (void)my_sink;

    weft_mdc_put("request_id", "r-42");
    messages(log, n);
    nesting(log, n);
    statements(log, n);
    if (evaluation(log)) return 1;
#ifndef NOKV
    every_type(log, n, true);
    scope(log);
#endif
    other_makers(log, n);
    contexts(log, n);
    if (expressions(log, n)) return 3;
    sixty_four(log, n);
    return weft_flush(1000) == WEFT_OK ? 0 : 4;
}
