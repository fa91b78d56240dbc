/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What TLS has of a generation, whoever uses it.
 */
#include "core/base/number.h"
#include "core/conf/reader.h"
#include "core/tls/context.h"
#include "core/tls/renewal.h"
#include "core/tls/sleep.h"

enum { POLL_LEAST_MS = 100 };


static const char *
parse_watch(struct conf *cf, void *field)
{
    struct tls_watch_conf *w = field;
    str_t                  word = cf->args[1], value;
    uint64_t               poll_ms;

    if (str_is(word, "off")) {
        w->is_on = false;
        return NULL;
    }
    w->is_on = true;
    w->poll_ms = 60000;
    if (str_is(word, "on"))
        return NULL;
    if (!conf_param(word, "poll", &value)
        || !number_time(value, false, &poll_ms) || poll_ms < POLL_LEAST_MS)
        return conf_error(cf,
                          "invalid value \"" STR_F "\" in \"" STR_F
                          "\" directive, it must be \"on\", \"off\" or "
                          "\"poll=time\"",
                          STR_A(word), STR_A(cf->args[0]));
    w->poll_ms = poll_ms;
    return NULL;
}


static const struct conf_type watch_type = {
    .name = "watch",
    .size = sizeof(struct tls_watch_conf),
    .parse = parse_watch,
};

/* A time, or 0 for "off". */
static const char *
parse_sleep(struct conf *cf, void *field)
{
    msec_t *after = field;

    *after = 0;
    if (str_is(cf->args[1], "off"))
        return NULL;
    return conf_msec.parse(cf, field);
}


static const struct conf_type sleep_type = {
    .name = "time",
    .size = sizeof(msec_t),
    .parse = parse_sleep,
};

struct tls_main_conf {
    struct tls_watch_conf watch;
    msec_t                sleep_ms;
    bool                  inherits;
};

#define C struct tls_main_conf
static const struct directive directives[] = {
    { "ssl_certificate_watch", IN_MAIN, ARGS_1, &watch_type,
      FIELD(C, watch, struct tls_watch_conf), "on", NULL,
      "on | off | poll=time",
      "Whether new handshakes use files that TLS directives name, of servers "
      "and of upstreams, as soon as these change: certificates with their keys, "
      "authorities, lists of revoked certificates, OCSP responses, ticket keys. "
      "What does not fit or cannot be read is logged, and what was read before "
      "stays in use. The kernel tells of changes; each minute, or as often as "
      "poll says, the files are looked at anyway, since it tells nothing of "
      "network file systems. Not with master_process off." },
    FLAG(
        "ssl_object_cache_inheritable", IN_MAIN, C, inherits, "on",
        "Whether a reload takes certificates, keys and other files of TLS from "
        "the configuration before it, where the files have not changed, "
        "instead of reading them again."),
    { "ssl_idle_sleep", IN_MAIN, ARGS_1, &sleep_type,
      FIELD(C, sleep_ms, msec_t), "3s", NULL, "time | off",
      "After how long a TLS connection that nothing happens on, of a client or "
      "to an upstream, takes less memory: what OpenSSL holds for it is packed, "
      "until it is used again." },
    { .name = NULL },
};
#undef C


static const struct tls_main_conf *
conf_at_top(const struct generation *g)
{
    return confs_get(g->root->conf, &tls_module);
}


const struct tls_watch_conf *
tls_watch_conf_of(const struct generation *g)
{
    return &conf_at_top(g)->watch;
}


bool
tls_inherits(const struct generation *g)
{
    return conf_at_top(g)->inherits;
}


/* What was made under the generation before is not made again. */
static bool
adopt(struct worker *w, struct generation *g)
{
    const struct tls_files *f = g->main[tls_module.slot];

    (void) w;
    sleep_set(conf_at_top(g)->sleep_ms);
    VEC_EACH(&f->settings, s)
        tls_context_keep(*s, g);
    return true;
}


struct module tls_module = {
    .name = "tls",
    .directives = directives,
    .conf_size = sizeof(struct tls_main_conf),
    .main_size = sizeof(struct tls_files),
    .adopt = adopt,
};
