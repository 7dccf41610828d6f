/*
 * The adapter of the environment: a child process takes over its parent's context, and nothing
 * stale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/reused.h"
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/adapter/environ.h>
#include <weft/mdc.h>
#include <weft/options.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

extern char **environ;

/* The value of a variable in a list, NULL when it is not there; fails when it is there twice. */
static const char *find(char **envp, const char *name)
{
    const char *found = NULL;
    for (; *envp; envp++) {
        const size_t size = strlen(name);
        if (strncmp(*envp, name, size) != 0 || (*envp)[size] != '=') continue;
        assert_null(found);
        found = *envp + size + 1;
    }
    return found;
}

static void take(char **envp)
{
    weft_mdc_clear();
    assert_int_equal(weft_environ_extract(envp), WEFT_OK);
}

static void test_read(void **state)
{
    (void)state;
    char *envp[] = {(char[]){"PATH=/bin"},
                    (char[]){"TRACEPARENT=" PARENT},
                    (char[]){"TRACEPARENT=second"},
                    (char[]){"BAGGAGE=k=v"},
                    (char[]){"X_REQUEST_ID=r-1"},
                    (char[]){"traceparent=lower"},
                    (char[]){"X_REQUEST_IDS=no"},
                    (char[]){"TRACESTATE"},
                    NULL};
    char trace[33];
    take(envp);
    assert_int_equal(weft_trace_ids(trace, NULL), WEFT_OK);
    assert_string_equal(trace, TRACE);
    assert_string_equal(weft_mdc_get("request_id"), "r-1");
    char *const empty[] = {NULL};
    take((char **)empty);
    assert_int_equal(weft_trace_ids(trace, NULL), WEFT_OK);
    assert_string_not_equal(trace, TRACE);
    take(NULL);
    weft_mdc_clear();
}

static void test_build(void **state)
{
    (void)state;
    char *in[] = {(char[]){"TRACEPARENT=" PARENT},
                  (char[]){"TRACESTATE=a=1"},
                  (char[]){"BAGGAGE=k=v"},
                  (char[]){"X_REQUEST_ID=r-1"},
                  (char[]){"HOME=/"},
                  (char[]){"ODD"},
                  NULL};
    char **out = NULL;
    take(in);
    assert_int_equal(weft_environ_inject(in, &out), WEFT_OK);
    assert_memory_equal(find(out, "TRACEPARENT"), PARENT, 36);
    assert_string_not_equal(find(out, "TRACEPARENT"), PARENT); /* a span of its own */
    assert_string_equal(find(out, "TRACESTATE"), "a=1");
    assert_string_equal(find(out, "BAGGAGE"), "k=v");
    assert_string_equal(find(out, "X_REQUEST_ID"), "r-1");
    assert_string_equal(find(out, "HOME"), "/");
    size_t count = 0;
    while (out[count]) count++;
    assert_int_equal(count, 6);
    weft_environ_free(out);

    char *const none[] = {NULL};
    take((char **)none); /* another context: nothing of the environment's goes on */
    assert_int_equal(weft_environ_inject(in, &out), WEFT_OK);
    assert_memory_not_equal(find(out, "TRACEPARENT"), PARENT, 36);
    assert_null(find(out, "TRACESTATE"));
    assert_null(find(out, "BAGGAGE"));
    assert_string_not_equal(find(out, "X_REQUEST_ID"), "r-1");
    weft_environ_free(out);

    weft_mdc_clear(); /* none: the environment as it is */
    assert_int_equal(weft_environ_inject(in, &out), WEFT_OK);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) assert_ptr_equal(out[i], in[i]);
    weft_environ_free(out);
    assert_int_equal(weft_environ_inject(NULL, &out), WEFT_OK);
    assert_null(out[0]);
    weft_environ_free(out);
    weft_environ_free(NULL);
    assert_int_equal(weft_environ_inject(in, NULL), WEFT_EINVAL);
}

static void test_hostile_values_stay_out(void **state)
{
    (void)state;
    char *in[] = {(char[]){"X_REQUEST_ID=a\nLD_PRELOAD=x"}, (char[]){"BAGGAGE=a=b\nc"}, NULL};
    char **out = NULL;
    take(in);
    assert_int_equal(weft_environ_inject(in, &out), WEFT_OK);
    assert_null(find(out, "BAGGAGE"));
    assert_int_equal(strlen(find(out, "X_REQUEST_ID")), 36);
    weft_environ_free(out);
    weft_mdc_clear();
}

/* An environment that is made anew of the one before, as by a chain of children. */
struct chain {
    char *texts[128]; /* owned; ends with NULL */
    size_t count;
};

static void chain_add(void *carrier, const char *name, const char *text)
{
    struct chain *chain = carrier;
    char entry[128];
    size_t size = 0;
    for (; name[size]; size++) entry[size] = weft_environ_char_(name[size]);
    snprintf(entry + size, sizeof entry - size, "=%s", text);
    chain->texts[chain->count++] = strdup(entry);
}

static void chain_clear(struct chain *chain)
{
    while (chain->count > 0) free(chain->texts[--chain->count]);
}

static weft_status chain_inject(void *carrier)
{
    struct chain *chain = carrier, next = {{NULL}, 0};
    char **out = NULL;
    const weft_status status = weft_environ_inject(chain->texts, &out);
    assert_int_equal(status, WEFT_OK);
    for (char **entry = out; *entry; entry++) next.texts[next.count++] = strdup(*entry);
    chain_clear(chain);
    weft_environ_free(out);
    *chain = next;
    return status;
}

static bool chain_has(void *carrier, const char *name)
{
    struct chain *chain = carrier;
    for (size_t i = 0; i < chain->count; i++)
        if (weft_environ_value_(chain->texts[i], name)) return true;
    return false;
}

/* No variable's name begins with a digit. */
static void test_a_leading_digit(void **state)
{
    (void)state;
    char *in[] = {(char[]){"_3SCALE_ID=t-1"}, (char[]){"3SCALE_ID=no"}, (char[]){"_X_ID=no"}, NULL};
    char **out = NULL;
    setenv("WEFT_PROPAGATORS", "verbatim:3scale-id+x-id", 1);
    assert_int_equal(weft_reload(), WEFT_OK);
    take(in + 1);
    assert_int_equal(weft_environ_inject(NULL, &out), WEFT_OK);
    assert_null(out[0]); /* neither is a header's */
    weft_environ_free(out);
    take(in);
    assert_int_equal(weft_environ_inject(in + 1, &out), WEFT_OK);
    assert_string_equal(find(out, "_3SCALE_ID"), "t-1");
    assert_string_equal(find(out, "3SCALE_ID"), "no");
    weft_environ_free(out);
    const char *const none = NULL;
    take((char **)&none); /* another request: the variable goes */
    assert_int_equal(weft_environ_inject(in, &out), WEFT_OK);
    assert_null(find(out, "_3SCALE_ID"));
    assert_string_equal(find(out, "_X_ID"), "no");
    weft_environ_free(out);
    weft_mdc_clear();
    unsetenv("WEFT_PROPAGATORS");
    assert_int_equal(weft_reload(), WEFT_OK);
}

static void test_used_again_in_every_format(void **state)
{
    (void)state;
    struct chain chain = {{NULL}, 0};
    reused_check(&(struct reused_adapter){&chain, chain_add, chain_inject, chain_has, NULL});
    chain_clear(&chain);
}

static void test_a_real_child(void **state)
{
    (void)state;
    char *in[] = {(char[]){"TRACEPARENT=" PARENT}, NULL};
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"},
                          (char[]){"case $TRACEPARENT in 00-" TRACE "-*-01) exit 7;; esac"}, NULL};
    char **out = NULL;
    pid_t child = 0;
    int status = 0;
    take(in);
    assert_int_equal(weft_environ_inject(environ, &out), WEFT_OK);
    assert_int_equal(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, out), 0);
    weft_environ_free(out);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_null(find(environ, "TRACEPARENT")); /* this process's own is untouched */
    weft_mdc_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_hostile_values_stay_out),
        cmocka_unit_test(test_a_leading_digit),
        cmocka_unit_test(test_used_again_in_every_format),
        cmocka_unit_test(test_a_real_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
