/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir check upstream NAME: looks at each server of a group as the workers
 * would see it, and says what is wrong: its name, the connection, TLS, and the
 * answer to what the first location that passes to the group would send.
 */
#include <stdio.h>
#include <unistd.h>

#include "core/net/worker.h"
#include "core/tls/error.h"
#include "core/tls/tls.h"
#include "core/upstream/names.h"
#include "modules/gateway/health_request.h"

extern struct module check_upstream_module;

enum { PATIENCE_MS = 5000, TURN_MS = 50, NAME_TEXT = 200 };

/* What is found out about one peer. */
struct sight {
    msec_t began, connected;
    bool   has_connected; /* with TLS, where there is one                    */
    str_t  tls;           /* what it is, or empty                            */
    str_t  answer;        /* status line                                     */
};

struct doctor {
    struct worker              *worker;
    struct arena               *arena;
    struct upstream_group      *group;
    const struct http_location *location; /* that asks it; NULL: none that
                                             speaks HTTP                     */
    struct health_question      question;
    struct health_request      *request;
    struct health_check         check; /* that is made now                    */
    struct sight                sight;
};


static struct doctor *
doctor_of(const struct health_probe *p)
{
    return container_of(health_check_of(p->health), struct doctor, check);
}


/* --- TLS -------------------------------------------------------------------------- */

static str_t
name_text(struct arena *a, X509_NAME *name)
{
    char text[NAME_TEXT] = "";
    int at = name != NULL ? X509_NAME_get_index_by_NID(name, NID_commonName, -1)
                          : -1;
    str_t whole;

    if (at != -1) {
        ASN1_STRING *s
            = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

        whole = (str_t){ (const char *) ASN1_STRING_get0_data(s),
                         (size_t) ASN1_STRING_length(s) };
        return str_copy(a, whole);
    }
    if (name != NULL)
        X509_NAME_oneline(name, text, sizeof(text));
    return str_copy(a, str_of(text));
}


/* "expires in 30 days", "has expired" */
static str_t
life_text(struct arena *a, const X509 *x)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) != 1)
        return STR("has no date");
    if (days < 0 || seconds < 0)
        return STR("has expired");
    return arena_printf(a, "expires in %d day%s", days, days == 1 ? "" : "s");
}


/* Of the chain as it was sent; and whether it would be accepted. */
static str_t
tls_text(struct arena *a, const struct conn *c, const struct gateway_secure *s)
{
    SSL  *ssl = tls_handle(c);
    long  error = tls_verify_result(c);
    str_t text = str_copy(a, str_of(SSL_get_version(ssl)));
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

    for (int i = 0; chain != NULL && i < sk_X509_num(chain) && i < 8; i++) {
        X509 *x = sk_X509_value(chain, i);

        text = arena_printf(
            a, STR_F "\n      certificate %d: " STR_F ", by " STR_F ", " STR_F,
            STR_A(text), i, STR_A(name_text(a, X509_get_subject_name(x))),
            STR_A(name_text(a, X509_get_issuer_name(x))),
            STR_A(life_text(a, x)));
    }
    if (!tls_peer_is(c, s->name))
        text = arena_printf(a, STR_F "\n      it is not for \"" STR_F "\"%s",
                            STR_A(text), STR_A(s->name),
                            s->verifies ? "" : " (not verified)");
    if (error != X509_V_OK)
        text = arena_printf(a, STR_F "\n      %s%s", STR_A(text),
                            X509_verify_cert_error_string(error),
                            s->verifies ? "" : " (not verified)");
    return text;
}


/* --- the kind ---------------------------------------------------------------------- */

static void *
begin(struct health *h, struct arena *a)
{
    struct doctor *d = container_of(health_check_of(h), struct doctor, check);

    (void) a;
    return &d->question;
}


static void
connect_as(struct health_probe *p, struct link_options *o)
{
    health_request_peer(doctor_of(p)->request, p);
    health_http_connect(p, o);
}


static enum step
run(struct health_probe *p, bool is_first)
{
    struct doctor *d = doctor_of(p);
    struct sight  *s = &d->sight;
    enum step      step;

    if (is_first) {
        s->has_connected = true;
        s->connected = clock_fresh_ms();
        if (d->question.secure != NULL)
            s->tls = tls_text(d->arena, &p->link->conn, d->question.secure);
    }
    step = health_http_run(p, is_first);
    if (step == STEP_DONE || step == STEP_FAIL)
        s->answer = str_copy(d->arena, health_http_status(p));
    return step;
}


static const struct health_kind http_kind
    = { .name = "http", .begin = begin, .connect = connect_as, .run = run };


/* --- looking ----------------------------------------------------------------------- */

static bool
ask_one(struct doctor *d, const struct health_kind *kind,
        const struct peer *peer, str_t *why)
{
    struct health_probe *p = arena_make(d->arena, struct health_probe);
    struct health       *h;
    bool                 is_good;

    d->check = (struct health_check){ .kind = kind,
                                      .interval = 3600 * 1000,
                                      .fails = 1,
                                      .passes = 1,
                                      .connect_timeout = PATIENCE_MS,
                                      .timeout = PATIENCE_MS };
    h = health_alone(d->arena, &d->check, d->group, d->worker->gen,
                     d->worker->loop);
    clock_update();
    d->sight = (struct sight){ .began = clock_fresh_ms() };
    probe_once(p, h, peer);
    while (p->is_asking)
        loop_turn(d->worker->loop, TURN_MS);
    is_good = p->is_good;
    *why = is_good ? STR("")
                   : arena_printf(d->arena, STR_F " while %s", STR_A(p->why),
                                  p->doing);
    probe_free(p);
    return is_good;
}


static const char *
took(struct arena *a, msec_t ms)
{
    return ms == 0 ? "<1 ms" : arena_printf(a, "%u ms", (unsigned) ms).p;
}


/* Whether the peer would serve. */
static bool
look_at(struct doctor *d, const struct peer *peer)
{
    struct arena *a = d->arena;
    str_t         why;
    bool          is_good = ask_one(d, &health_tcp, peer, &why);
    msec_t        connect_ms;

    connect_ms = clock_fresh_ms() - d->sight.began;
    printf("  " STR_F "%s%s\n", STR_A(peer->name),
           peer->server->is_backup ? " backup" : "",
           peer->server->is_down ? " down" : "");
    if (!is_good) {
        printf("    FAILS: " STR_F "\n", STR_A(why));
        return false;
    }
    printf("    connected in %s\n", took(a, connect_ms));
    if (d->location == NULL)
        return !peer->server->is_down;
    is_good = ask_one(d, &http_kind, peer, &why);
    if (d->sight.tls.n != 0)
        printf("    TLS in %s: " STR_F "\n",
               took(a, d->sight.connected - d->sight.began),
               STR_A(d->sight.tls));
    if (d->sight.answer.n != 0)
        printf("    answered in %s: " STR_F "\n",
               took(a, clock_fresh_ms() - d->sight.connected),
               STR_A(d->sight.answer));
    if (!is_good)
        printf("    FAILS: " STR_F "\n", STR_A(why));
    return is_good && !peer->server->is_down;
}


static void
print_names(struct doctor *d)
{
    struct names_fact f;

    for (unsigned i = 0; upstream_name(d->group, d->arena, i, &f); i++) {
        printf("  name " STR_F ": ", STR_A(f.question));
        if (f.n == 0) {
            printf("FAILS: %s\n", f.error != NULL ? f.error : "no answer");
            continue;
        }
        printf(STR_F, STR_A(f.addresses));
        if (f.is_hosts)
            printf(" (hosts file)\n");
        else if (f.error != NULL)
            printf(" (of the start; now: %s)\n", f.error);
        else
            printf(" (for %u s)\n", (unsigned) ((f.valid_ms + 500) / 1000));
    }
}


static void
await_names(struct doctor *d)
{
    msec_t end = clock_fresh_ms() + PATIENCE_MS;

    while (upstream_asks_names(d->group) && clock_fresh_ms() < end)
        loop_turn(d->worker->loop, TURN_MS);
}


/* How the group is asked; without a location of HTTP, whether they connect. */
static bool
prepare(struct doctor *d)
{
    const struct conf_block   *b = d->group->user;
    const struct proxy_target *to;

    if (b == NULL || !(b->kind & (IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT)))
        return true;
    to = confs_get(b->conf, &proxy_pass_module);
    if (to->group != d->group)
        return true;
    d->location = b->owner;
    printf("  asked as by %s:%u\n", b->file, b->line);
    d->request = health_request_make(d->arena, d->worker->gen, d->location,
                                     b->server, STR("/"));
    return health_request_fill(d->request, &d->question);
}


static int
look(struct doctor *d, struct upstream_group *g)
{
    bool is_good = false;

    d->group = g;
    printf("upstream " STR_F " (%s:%u)\n", STR_A(g->name), g->file, g->line);
    if (!prepare(d))
        return 1;
    await_names(d);
    print_names(d);
    for (unsigned i = 0; i < g->set->n_peers; i++)
        is_good |= look_at(d, &g->set->peers[i]);
    if (!is_good)
        printf("  no server would serve\n");
    return is_good ? 0 : 1;
}


static int
check(struct worker *w, char **argv)
{
    struct doctor          d = { .worker = w, .arena = arena_new(0) };
    struct endpoint        at;
    struct upstream_group *g;
    int                    rc = 1;

    if (argv[0] == NULL || strcmp(argv[0], "upstream") != 0 || argv[1] == NULL
        || argv[2] != NULL)
    {
        fprintf(stderr, "%s: check: usage: weir check upstream NAME\n",
                log_program);
        arena_free(d.arena);
        return 1;
    }
    g = endpoint_parse(d.arena, str_of(argv[1]), 80, 0, &at) == NULL
            ? upstream_lookup(w->gen, CONF_HTTP, &at)
            : NULL;
    if (g == NULL || g->set == NULL)
        fprintf(stderr, "%s: check: no upstream \"%s\"\n", log_program,
                argv[1]);
    else
        rc = look(&d, g);
    arena_free(d.arena);
    return rc;
}


static const struct command command = {
    .name = "check",
    .usage = "upstream NAME [-c file]",
    .says = "asks each server of an upstream, and says what is wrong",
    .options = "  NAME     of upstream {}, or the host (and port) of a "
               "proxy_pass\n"
               "  -c FILE  the configuration\n"
               "\n"
               "Exits with 1 when no server would serve.\n",
    .dry = check,
    .is_online = true,
};

struct module check_upstream_module = {
    .name = "check_upstream",
    .command = &command,
};
