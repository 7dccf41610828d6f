/*
 * weft-recover: write what dead processes left in a folder of rings (WEFT_QUEUE_DIR, WEFT_CRASH).
 *
 *     weft-recover /var/lib/orders/queue > recovered.json
 *
 * What it writes it removes, unless --keep. Ends with 0 when all there was has been written, with 1
 * when something of it was damaged, lost or left, with 2 when nothing could be done. Has its
 * settings from the environment, as a service has, but for sinks, format and level: static fields,
 * for example.
 */
#include "src/pipeline/recover.h"
#include "src/queue/session.h"
#include "src/weft/system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

/* What is recovered is removed from its files: no line is cut for a container runtime's sake. */
#define SINKS    "stdout:?line_bytes_max=1m"
#define FLUSH_MS 10000

struct task {
    const char *dir, *format, *sinks;
    bool keep;
};

static int usage(FILE *to, int code)
{
    fputs("usage: weft-recover [--format F] [--sinks URLS] [--keep] DIR\n"
          "  --format F    as WEFT_FORMAT takes it; default: ecs\n"
          "  --sinks URLS  as WEFT_SINKS takes them; default: " SINKS "\n"
          "  --keep        leave the files as they are\n"
          "Ends with 0: all was written; 1: something was damaged, lost or left; 2: nothing was "
          "done.\n",
          to);
    return code;
}

/* The value of "--name VALUE" or "--name=VALUE"; NULL: it is not this one. */
static const char *value_of(const char *name, char **argv, int argc, int *at)
{
    const size_t size = strlen(name);
    if (strncmp(argv[*at], name, size) != 0) return NULL;
    if (argv[*at][size] == '=') return argv[*at] + size + 1;
    if (argv[*at][size] != '\0' || *at + 1 >= argc) return NULL;
    return argv[++*at];
}

/* False: they make no sense. */
static bool read_arguments(struct task *task, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--keep") == 0)
            task->keep = true;
        else if ((value = value_of("--format", argv, argc, &i)) != NULL)
            task->format = value;
        else if ((value = value_of("--sinks", argv, argc, &i)) != NULL)
            task->sinks = value;
        else if (argv[i][0] == '-' || task->dir)
            return false;
        else
            task->dir = argv[i];
    }
    return task->dir != NULL;
}

/* The environment beats all else: what this program is asked for must stand there. */
static bool start(const struct task *task)
{
    const char *const settings[][2] = {{"WEFT_SINKS", task->sinks}, {"WEFT_FORMAT", task->format},
                                       {"WEFT_LEVEL", "trace"},     {"WEFT_ASYNC", "off"},
                                       {"WEFT_QUEUE_DIR", "none"},  {"WEFT_CRASH", "off"},
                                       {"WEFT_CAPTURE", "off"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (setenv(settings[i][0], settings[i][1], 1) != 0) return false;
    return weft_init(NULL) == WEFT_OK;
}

static bool has_directory(const char *dir)
{
    char why[128] = "";
    const int fd = weftp_session_dir(dir, false, why, sizeof why);
    if (fd < 0) {
        fprintf(stderr, "weft-recover: %s %s\n", dir, errno == ENOENT ? "is not there" : why);
        return false;
    }
    close(fd);
    return true;
}

static weft_status recover(const struct task *task, struct weftp_recovered *done)
{
    struct weftp_thread *thread = NULL;
    if (weftp_thread_enter(&thread) != WEFTP_ENTER_OK) return WEFT_ENOMEM;
    const weft_status status = (task->keep ? weftp_recover_keep : weftp_recover)(
        task->dir, weftp_system_pipeline(), thread, done);
    weftp_thread_leave(thread);
    return status;
}

/* True: all is well. */
static bool report(const struct weftp_recovered *done)
{
    weft_stats stats = {.dropped = 0};
    (void)weft_stats_get(&stats, sizeof stats);
    fprintf(stderr,
            "weft-recover: %" PRIu64 " records of %" PRIu64 " processes; %" PRIu64
            " of them at most were written before\n",
            done->records, done->sessions, done->repeated_max);
    if (done->lost)
        fprintf(stderr, "weft-recover: the processes had dropped %" PRIu64 " more\n", done->lost);
    if (done->damaged_bytes)
        fprintf(stderr, "weft-recover: nothing could be made of %" PRIu64 " bytes\n",
                done->damaged_bytes);
    if (done->skipped)
        fprintf(stderr, "weft-recover: %" PRIu64 " processes of another version were left alone\n",
                done->skipped);
    if (done->failed)
        fprintf(stderr, "weft-recover: files of %" PRIu64 " processes are left for later\n",
                done->failed);
    if (stats.dropped)
        fprintf(stderr, "weft-recover: %" PRIu64 " were not written\n", stats.dropped);
    return !done->lost && !done->damaged_bytes && !done->skipped && !done->failed && !stats.dropped;
}

int main(int argc, char **argv)
{
    struct task task = {.format = "ecs", .sinks = SINKS};
    struct weftp_recovered done = {.records = 0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (!read_arguments(&task, argc, argv)) return usage(stderr, 2);
    if (!has_directory(task.dir)) return 2;
    if (!start(&task)) {
        fputs("weft-recover: out of memory\n", stderr);
        return 2;
    }
    const weft_status status = recover(&task, &done);
    const weft_status flushed = weft_flush(FLUSH_MS);
    const bool good = report(&done);
    const weft_status ended = weft_shutdown(FLUSH_MS);
    return status != WEFT_OK || flushed != WEFT_OK || ended != WEFT_OK || !good;
}
