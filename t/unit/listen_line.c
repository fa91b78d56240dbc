/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parameters of "listen" for a protocol that is not HTTP.
 */
#include "core/conf/listen.h"
#include "core/conf/reader.h"
#include "t/unit/tap.h"

enum { UDP = 1, LOUD = 2, PORT = 4 };

static struct listen_line got;
static str_t              pitch;


static const char *
take_pitch(struct conf *cf, const struct listen_word *w, str_t value,
           struct listen_line *l)
{
    pitch = str_copy(cf->arena, value);
    l->words |= w->detail;
    return str_is(value, "0") ? conf_error(cf, "no pitch") : NULL;
}


static const struct listen_word words[] = {
    { "udp", NULL, UDP, NULL },
    { "loud", NULL, LOUD, "" },
    { "pitch=", take_pitch, 8, NULL },
    { .name = NULL },
};

/* The message, and what is suggested. */
static char said[1024];


static const char *
parse(struct conf *cf, void *field)
{
    const char *error;

    (void) field;
    error = listen_parse(cf, words, PORT, &got);
    if (error != NULL)
        snprintf(said, sizeof(said), "%s|" STR_F, error,
                 STR_A(cf->reader->suggestion));
    return error;
}


static const struct conf_type type = { .name = "listen", .parse = parse };

static const struct directive rows[] = {
    { "listen", IN_MAIN | ROW_MANY, ARGS_1_OR_MORE, &type, 0, NULL, NULL, "",
      "" },
    { .name = NULL },
};

static struct module toy_module = { .name = "toy", .directives = rows };

struct module *const weir_modules[] = { &toy_module, NULL };


static bool
reads(const char *text)
{
    static const struct log_targets none = { .level = LEVEL_STDERR };
    static const struct log         quiet = { .targets = &none };
    struct conf_paths               paths = { .prefix = STR("/p/"),
                                              .conf_file = STR("/p/x.conf"),
                                              .conf_prefix = STR("/p/") };
    static struct generation       *g; /* its arena has what was read        */

    generation_put(g);
    said[0] = '\0';
    g = generation_read_text(&paths, STR("x.conf"), str_of(text), &quiet);
    return g != NULL;
}


static void
test_own(void)
{
    ok(reads("listen 127.0.0.1;"), "an address");
    is(got.at.n, 1, "one");
    is(addr_port(&got.at.at[0].sa), PORT, "with the default port");
    is(got.words, 0, "no words");
    ok(!got.has_options, "no options");
    is(got.options.backlog, -1, "options as unset");

    ok(reads("listen 127.0.0.1:1-3 udp pitch=440;"), "own words, and a range");
    is(got.at.n, 3, "three addresses");
    is(got.words, UDP | 8, "their bits");
    is_str(pitch, "440", "the value of one");
    ok(!got.has_options, "they ask nothing of the socket");
    ok(reads("listen 7 loud;"), "a port alone");
    is(got.words, LOUD, "and the word that is not suggested");
}


static void
test_socket(void)
{
    struct listen_options *o = &got.options;

    ok(reads("listen 7 bind;") && o->bind && got.has_options, "bind");
    ok(reads("listen 7 deferred udp;") && o->deferred && o->bind, "deferred");
    is(got.words, UDP, "beside an own word");
    ok(reads("listen 7 reuseport;") && o->reuseport, "reuseport");
    ok(reads("listen 7 multipath;") && o->multipath, "multipath");
    ok(reads("listen 7 backlog=9 fastopen=0 rcvbuf=2k sndbuf=3;"), "numbers");
    is(o->backlog, 9, "backlog");
    is(o->fastopen, 0, "fastopen");
    is(o->rcvbuf, 2048, "rcvbuf");
    is(o->sndbuf, 3, "sndbuf");
    ok(reads("listen 7 ipv6only=off;") && !o->ipv6only, "ipv6only=off");
    ok(reads("listen 7 ipv6only=on;") && o->ipv6only, "ipv6only=on");
    ok(reads("listen 7 so_keepalive=off;") && o->so_keepalive == 2, "off");
    ok(reads("listen 7 so_keepalive=2m::3;"), "so_keepalive");
    is(o->keepidle, 120, "idle");
    is(o->keepintvl, 0, "interval");
    is(o->keepcnt, 3, "count");
}


struct refusal {
    const char *word, *message;
};


static void
test_refusals(void)
{
    static const struct refusal all[] = {
        { "udq", "invalid parameter \"udq\"|udp" },
        { "pitch", "invalid parameter \"pitch\"|pitch=" },
        { "pitch=0", "no pitch|" },
        { "loux", "invalid parameter \"loux\"|" },
        { "ssl", "invalid parameter \"ssl\"|" },
        { "udp=1", "invalid parameter \"udp=1\"|udp" },
        { "binde", "invalid parameter \"binde\"|bind" },
        { "bind=", "invalid parameter \"bind=\"|bind" },
        { "backlog", "invalid parameter \"backlog\"|backlog=" },
        { "backlog=", "invalid backlog \"backlog=\"|" },
        { "backlog=0", "invalid backlog \"backlog=0\"|" },
        { "backlog=2147483648", "invalid backlog \"backlog=2147483648\"|" },
        { "fastopen=x", "invalid fastopen \"fastopen=x\"|" },
        { "rcvbuf=4q", "invalid rcvbuf \"rcvbuf=4q\"|" },
        { "sndbuf=2g", "invalid sndbuf \"sndbuf=2g\"|" },
        { "ipv6only=one", "invalid ipv6only flags \"one\"|" },
        { "ipv6only=1", "invalid parameter \"ipv6only=1\"|ipv6only=on" },
        { "so_keepalive=", "invalid so_keepalive value: \"\"|" },
        { "so_keepalive=::", "invalid so_keepalive value: \"::\"|" },
        { "so_keepalive=1:2:3:4", "invalid so_keepalive value: \"1:2:3:4\"|" },
    };
    char text[100];

    for (size_t i = 0; i < countof(all); i++) {
        snprintf(text, sizeof(text), "listen 7 %s;", all[i].word);
        ok(!reads(text), "refused: %s", all[i].word);
        is_str(str_of(said), all[i].message, "the message of %s", all[i].word);
    }
    ok(!reads("listen 127.0.0.1:0;"), "refused: no port");
    is_str(str_of(said),
           "invalid port in \"127.0.0.1:0\" of the \"listen\" directive|",
           "its message");
}


int
main(void)
{
    log_to_stderr = false;
    modules_init();
    test_own();
    test_socket();
    test_refusals();
    return done();
}
