/*
 * No record allocates once its thread has warmed up: malloc and its kin are counted by standing in
 * front of the C library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

#define RECORDS 1000

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static uint64_t allocation_count; /* atomic */

static uint64_t count_now(void)
{
    return __atomic_load_n(&allocation_count, __ATOMIC_RELAXED);
}

#if !SANITIZED /* sanitizers stand there themselves */
/* The C library's own function of this name. */
static void *next_of(void **cache, const char *name)
{
    __atomic_fetch_add(&allocation_count, 1, __ATOMIC_RELAXED);
    void *next = __atomic_load_n(cache, __ATOMIC_RELAXED);
    if (!next) {
        next = dlsym(RTLD_NEXT, name);
        __atomic_store_n(cache, next, __ATOMIC_RELAXED);
    }
    return next;
}

void *malloc(size_t size)
{
    static void *cache;
    void *(*next)(size_t);
    *(void **)&next = next_of(&cache, "malloc");
    return next(size);
}

void *calloc(size_t n, size_t size)
{
    static void *cache;
    void *(*next)(size_t, size_t);
    *(void **)&next = next_of(&cache, "calloc");
    return next(n, size);
}

void *realloc(void *p, size_t size)
{
    static void *cache;
    void *(*next)(void *, size_t);
    *(void **)&next = next_of(&cache, "realloc");
    return next(p, size);
}
#endif

static const char *volatile text = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
static volatile double amount = 1234.56;

static void log_r10(weft_logger *log, int64_t i)
{
    weft_info(log, "order accepted", weft_str("order_id", text),
              weft_str("customer", "Maria Schneider"), weft_str("payment", "visa"),
              weft_double("amount", amount), weft_str("currency", "EUR"), weft_int("items", 3),
              weft_int("latency_us", i), weft_int("shard", 17), weft_bool("gift", true),
              weft_str("path", "/api/v1/orders"));
}

static void log_others(weft_logger *log, int64_t i)
{
    weft_warn(
        log, "quotes \" and \t tabs \xff", weft_errno("cause", (int)(i % 100)),
        weft_bytes("raw", text, 20), weft_error_info("type", "message", "stack\n\tat line"),
        weft_obj("o", weft_int("a", i), weft_arr("b", weft_uint(NULL, 1), weft_str(NULL, text))),
        weft_time("when", ((struct timespec){1795328954, 123456789})),
        weft_duration_ns("took", i * 1000003));
    weft_infof(log, "number %d of %s", (int)i, text);
}

/* Allocations that RECORDS calls of `run` make, after as many to warm up. */
static uint64_t allocations_of(void (*run)(weft_logger *log, int64_t i), weft_logger *log)
{
    for (int64_t i = 0; i < RECORDS; i++) run(log, i);
    const uint64_t before = count_now();
    for (int64_t i = 0; i < RECORDS; i++) run(log, i);
    return count_now() - before;
}

/* A service that logs to a file, with three entries in its context. */
struct scene {
    char folder[64], path[96];
    weft_logger *log, *bound;
};

static int scene_open(void **state)
{
    static struct scene scene;
    char sinks[160];
    snprintf(scene.folder, sizeof scene.folder, "/tmp/weft-no-alloc-XXXXXX");
    if (!mkdtemp(scene.folder)) return -1;
    snprintf(scene.path, sizeof scene.path, "%s/out.log", scene.folder);
    snprintf(sinks, sizeof sinks, "file:%s?max_bytes=100m", scene.path);
    weft_options options = weft_options_default();
    options.sinks = sinks;
    options.level = "info";
    if (weft_init(&options) != WEFT_OK) return -1;
    scene.log = weft_logger_get("orders.api");
    scene.bound =
        weft_logger_with(scene.log, weft_str("upstream", "payments"), weft_int("port", 8080));
    weft_mdc_put("request_id", "7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310");
    weft_mdc_put("user", "u-1029384");
    weft_mdc_put("tenant", "acme-eu");
    *state = &scene;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *scene = *state;
    weft_stats stats;
    struct stat file;
    weft_mdc_clear();
    weft_logger_release(scene->bound);
    const bool whole = weft_flush(5000) == WEFT_OK &&
                       weft_stats_get(&stats, sizeof stats) == WEFT_OK && stats.dropped == 0;
    const bool written = stat(scene->path, &file) == 0 && file.st_size > 0;
    unlink(scene->path);
    rmdir(scene->folder);
    return whole && written ? 0 : -1;
}

static void the_count_works(void **state)
{
    (void)state;
    if (SANITIZED) skip();
    const uint64_t before = count_now();
    char *volatile p = malloc(10);
    free(p);
    assert_int_equal(count_now() - before, 1);
}

static void r10_to_a_file_allocates_nothing(void **state)
{
    const struct scene *scene = *state;
    assert_int_equal(allocations_of(log_r10, scene->log), 0);
}

static void bound_fields_allocate_nothing(void **state)
{
    const struct scene *scene = *state;
    assert_int_equal(allocations_of(log_r10, scene->bound), 0);
}

static void printf_style_and_odd_fields_allocate_nothing(void **state)
{
    const struct scene *scene = *state;
    assert_int_equal(allocations_of(log_others, scene->log), 0);
}

static void off_allocates_nothing(void **state)
{
    const struct scene *scene = *state;
    const uint64_t before = count_now();
    for (int i = 0; i < RECORDS; i++) weft_debug(scene->log, "off", weft_int("i", i));
    assert_int_equal(count_now() - before, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_works),
        cmocka_unit_test(r10_to_a_file_allocates_nothing),
        cmocka_unit_test(bound_fields_allocate_nothing),
        cmocka_unit_test(printf_style_and_odd_fields_allocate_nothing),
        cmocka_unit_test(off_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, scene_open, scene_close);
}
