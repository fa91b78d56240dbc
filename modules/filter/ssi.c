/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssi: commands in text that comes (server side includes).
 *
 *     ssi on;
 *
 *     <!--#if expr="$arg_name = /^[a-z]+$/" -->
 *     <!--#include virtual="/menu?for=$arg_name" -->
 *     <!--#endif -->
 *
 * Text is passed on as it came.  Memory: one command of a page; variables and
 * blocks within what an arena may hold; and each included response has its own.
 * No more is read of a page while OUT_MAX has been put out of what was read.
 */
#include "modules/filter/ssi.h"

#include <time.h>

#include "http/types.h"

enum { OUT_MAX = 64 * 1024, DATE_MAX = 256 };

static const struct directive rows[] = {
    FLAG("ssi", IN_WEB | IN_IF, struct ssi_conf, is_on, "off",
         "Runs the commands of server side includes in responses."),
    MIME_SET("ssi_types", IN_WEB, struct ssi_conf, types, NULL,
             "The media types to which ssi applies, besides text/html; * is "
             "any."),
    FLAG("ssi_silent_errors", IN_WEB, struct ssi_conf, is_silent, "off",
         "Puts nothing in place of a wrong command. Without it there is "
         "\"[an error occurred while processing the directive]\", or what the "
         "command config says."),
    FLAG("ssi_last_modified", IN_WEB, struct ssi_conf, keeps_last_modified,
         "off", "Keeps Last-Modified, and a weak ETag, of pages."),
    SIZE("ssi_value_length", IN_WEB, struct ssi_conf, value_length, "256",
         "The value of a parameter of a command has to be shorter than that."),
    SIZE("ssi_min_file_chunk", IN_WEB, struct ssi_conf, min_file_chunk, "1k",
         "Accepted without effect: weir sends the text of files from memory, "
         "where commands were looked for."),
    { "ssi_ignore_recycled_buffers", IN_WEB, ARGS_FLAG, &conf_nothing, 0, NULL,
      &conf_flag, "on | off",
      "Accepted without effect: buffers are not reused while they are read." },
    { .name = NULL },
};


/* --- dates --------------------------------------------------------------- */

static str_t
format_time(struct task *t, const struct tm *tm, str_t format)
{
    char   text[DATE_MAX];
    char  *z = str_z(t->arena, format);
    size_t n;

    if (str_is(format, "%s"))
        return arena_number(t->arena, (uint64_t) clock_seconds());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n = strftime(text, sizeof(text), z, tm);
#pragma GCC diagnostic pop
    return str_copy(t->arena, (str_t){ text, n });
}


static str_t
get_date(struct task *t, uintptr_t is_gmt)
{
    const struct ssi_state *s = http_state_if(http_of(t), &ssi_module);
    time_t                  now = clock_seconds();
    struct tm               tm = clock_local(now);
    str_t                   format = STR("%A, %d-%b-%Y %H:%M:%S %Z");

    if (s != NULL && s->page != NULL)
        format = s->page->time_format;
    if (is_gmt)
        gmtime_r(&now, &tm);
    return format_time(t, &tm, format);
}


static const struct variable variables[] = {
    { "date_local", get_date, false, VAR_VOLATILE, NULL,
      "the time in the server's zone, as timefmt of SSI wants it" },
    { "date_gmt", get_date, true, VAR_VOLATILE, NULL,
      "the time in GMT, as timefmt of SSI wants it" },
    { .name = NULL },
};


/* --- the head ------------------------------------------------------------ */

static struct ssi_shared *
shared_of(struct http_request *main)
{
    struct ssi_state  *s = http_state_of(main, &ssi_module);
    struct ssi_shared *shared = s->shared;

    if (shared != NULL)
        return shared;
    shared = s->shared = arena_make(main->task.arena, struct ssi_shared);
    shared->arena = main->task.arena;
    shared->values = hash_new(shared->arena, 16, HASH_NOCASE);
    return shared;
}


static void
abandon(void *arg)
{
    struct ssi_page *p = arg;

    gather_end(&p->out);
    chain_clear(&p->in);
}


static enum step
decide(struct http_request *r, void *state)
{
    const struct ssi_conf *c = conf_of(&r->task, &ssi_module);
    struct ssi_page       *p = state;
    struct ssi_state      *s;

    if (!c->is_on || !mime_set_has(c->types, r->out.content_type))
        return STEP_NEXT;
    s = http_state_of(r, &ssi_module);
    s->page = p;
    p->r = p->subject = r;
    p->conf = c;
    p->shared = shared_of(r->main);
    p->error = STR("[an error occurred while processing the directive]");
    p->time_format = STR("%A, %d-%b-%Y %H:%M:%S %Z");
    ssi_parser_init(&p->parser, r->task.arena, c->value_length);
    chain_init(&p->in, r->task.arena);
    arena_defer(r->task.arena, abandon, p);
    r->out.has_parts = true;
    r->out.allows_ranges = false;
    fields_hide(&r->out.fields, FIELD_ACCEPT_RANGES);
    http_renew_body(r, c->keeps_last_modified);
    return STEP_ACCEPT;
}


/* --- the body ------------------------------------------------------------ */

static enum step
run_due(struct ssi_page *p, struct chain *out)
{
    p->is_due = false;
    return ssi_run(p, &p->parser.command, out);
}


/* Reads on in the first piece, up to a command that has to wait. */
static enum step
read_piece(struct ssi_page *p, struct chain *out)
{
    const struct piece *piece = p->in.head;
    str_t               rest = { piece->p + p->at, piece->n - p->at };
    enum step           step = STEP_NEXT;

    while (step == STEP_NEXT && out->n < OUT_MAX) {
        enum ssi_event event = ssi_parse(&p->parser, &rest);

        if (event == SSI_MORE)
            break;
        if (event == SSI_TEXT)
            ssi_put(p, out, piece, p->parser.text);
        else if (event == SSI_FAULT)
            log_error(p->r->task.log, STR_F, STR_A(p->parser.fault));
        else if (event == SSI_BAD)
            ssi_put_error(p, out);
        else
            step = ssi_run(p, &p->parser.command, out);
    }
    p->at = piece->n - rest.n;
    return step;
}


/* Reads the first piece. */
static enum step
take_piece(struct ssi_page *p, struct chain *out)
{
    const struct piece *piece = p->in.head;
    enum step           step = STEP_NEXT;

    if (piece->n == 0) { /* a flush or a mark                              */
        chain_move_first(out, &p->in);
        return STEP_NEXT;
    }
    step = read_piece(p, out);
    if (step == STEP_FAIL || p->at < piece->n)
        return step;
    if (piece->flags & PIECE_FLUSH)
        chain_flush(out);
    chain_drop_first(&p->in);
    p->at = 0;
    return step;
}


static enum step
run_commands(struct http_request *r, void *state, struct chain *in,
             struct chain *out, bool last)
{
    struct ssi_page *p = state;
    enum step        step = STEP_NEXT;

    chain_move(&p->in, in);
    if (p->waited != NULL && !p->waited->is_complete)
        return STEP_WAIT;
    p->waited = NULL;
    if (p->is_due)
        step = run_due(p, out);
    while (step == STEP_NEXT && !chain_empty(&p->in)) {
        if (out->n >= OUT_MAX) {
            post_add_next(r->task.loop, &r->task.wake);
            return STEP_WAIT;
        }
        step = take_piece(p, out);
    }
    if (step != STEP_NEXT || !last)
        return step;
    ssi_put(p, out, NULL, ssi_parser_rest(&p->parser));
    gather_end(&p->out);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "ssi",
        .state_size = sizeof(struct ssi_page),
        .needs_memory = true,
        .head = decide,
        .body = run_commands };

struct module ssi_module = {
    .name = "http_ssi",
    .serves = FOR_HTTP,
    .directives = rows,
    .variables = variables,
    .conf_size = sizeof(struct ssi_conf),
    .state_size = sizeof(struct ssi_state),
    .filter = &filter,
};
