/*
 * How quickly each codec compresses weft's own lines, and how small they get: R10 with values that
 * change as a service's do (two random UUIDs, names, amounts, paths), 64 MiB of it, in a file.
 *
 *     build/bench/bench/weft_compress [FOLDER]      default: /dev/shm, so that no disk is measured
 *
 * Prints a table: MB of lines per second of processor time, the best of five rounds, and the ratio.
 */
#include "sinks/kit/codec.h"
#include "workload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

#define LINES_BYTES ((int64_t)64 << 20)
#define ROUNDS      5

static uint64_t seed = 88172645463325252U;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % below;
}

static void put_uuid(char *to)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-9xxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < sizeof form; i++)
        to[i] = form[i] == 'x' ? "0123456789abcdef"[pick(16)] : form[i];
}

static void put_line(weft_logger *log, int64_t i)
{
    static const char *const names[] = {"Maria Schneider", "Jo Park",    "Ana Lima", "Li Wei",
                                        "Tom O'Brien",     "Eva Novak",  "Sam Roy",  "Kim Ito",
                                        "Lea Martin",      "Max Berger", "Ida Holm", "Raj Nair"};
    static const char *const paths[] = {"/api/v1/orders/checkout", "/api/v1/orders",
                                        "/api/v1/orders/cancel", "/api/v1/cart"};
    char order[40], card[16], request[40];
    put_uuid(order);
    if (i % 3 == 0) {
        put_uuid(request);
        weft_mdc_put("request_id", request);
    }
    snprintf(card, sizeof card, "visa-%04u", (unsigned)pick(10000));
    workload.order_id = order;
    workload.customer = names[pick(12)];
    workload.method = card;
    workload.path = paths[pick(4)];
    workload.amount = pick(200000) / 100.0;
    workload.items = 1 + pick(9);
    workload.shard = pick(64);
    workload.gift = pick(10) == 0;
    weft_info(log, WORKLOAD_MESSAGE, WORKLOAD_FIELDS(pick(10000)));
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(enum weftp_codec codec, int level, int from, int to)
{
    const atomic_bool stop = false;
    struct stat plain, packed;
    double best = 1e9;
    if (fstat(from, &plain) != 0) exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        if (ftruncate(to, 0) != 0 || lseek(to, 0, SEEK_SET) != 0) exit(1);
        const double start = cpu_s();
        if (weftp_codec_copy(codec, level, from, to, (uint64_t)plain.st_size, &stop) != 0) exit(1);
        const double took = cpu_s() - start;
        if (took < best) best = took;
    }
    if (fstat(to, &packed) != 0) exit(1);
    printf("%-5s level %2d  %-6s %6.0f MB/s  ratio %.1f\n", weftp_codec_suffix(codec) + 1, level,
           weftp_codec_engine(codec, level), (double)plain.st_size / 1e6 / best,
           (double)plain.st_size / (double)packed.st_size);
}

int main(int argc, char **argv)
{
    static const struct {
        enum weftp_codec codec;
        int level;
    } rows[] = {{WEFTP_CODEC_GZIP, 0}, {WEFTP_CODEC_GZIP, 1}, {WEFTP_CODEC_GZIP, 6},
                {WEFTP_CODEC_GZIP, 9}, {WEFTP_CODEC_ZSTD, 0}, {WEFTP_CODEC_ZSTD, 3},
                {WEFTP_CODEC_ZSTD, 9}};
    char plain[200], packed[220], sink[220];
    struct stat found = {0};
    snprintf(plain, sizeof plain, "%.150s/weft-compress-%ld", argc > 1 ? argv[1] : "/dev/shm",
             (long)getpid());
    snprintf(packed, sizeof packed, "%s.packed", plain);
    snprintf(sink, sizeof sink, "file:%s", plain);
    setenv("WEFT_SINKS", sink, 1);
    weft_logger *log = weft_logger_get(WORKLOAD_LOGGER);
    weft_mdc_put("user", WORKLOAD_USER);
    weft_mdc_put("tenant", WORKLOAD_TENANT);
    for (int64_t i = 0; found.st_size < LINES_BYTES; i++) {
        put_line(log, i);
        if (i % 1000 == 0 && stat(plain, &found) != 0) return 1;
    }
    weft_mdc_clear();
    weft_shutdown(1000);
    const int from = open(plain, O_RDONLY | O_CLOEXEC);
    const int to = open(packed, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    unlink(plain);
    unlink(packed);
    if (from < 0 || to < 0) return 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (weftp_codec_available(rows[i].codec)) measure(rows[i].codec, rows[i].level, from, to);
    return 0;
}
