/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mp4: a part of a film, which is a film of its own.
 *
 *     location /video/ { mp4; }        /video/film.mp4?start=30.5&end=60
 *
 * The response has the file's ftyp, a moov that was made for the part
 * (mp4_moov.c), and the bytes of the file that the moov refers to.  In memory is
 * the moov only: twice its size at most, which mp4_max_buffer_size limits.
 */
#include <inttypes.h>

#include "http/file_read.h"
#include "http/files.h"
#include "http/variables.h"
#include "modules/content/mp4_moov.h"
#include "modules/content/video.h"
#include "modules/module.h"

struct mp4_conf {
    size_t max_buffer_size;
    bool   start_key_frame;
};

/* Where the atoms of the file are. */
struct places {
    uint64_t ftyp, ftyp_n; /* with its head                                  */
    uint64_t moov, moov_n; /* its contents                                   */
    uint64_t mdat_end;     /* of the last one                                */
    bool     is_ready;     /* the file can be played while it comes: the moov
                              is before the mdat                             */
};

enum { FTYP_MAX = 1024, ATOMS_MAX = 4096, DECIMALS = 1000 };

extern struct module mp4_module;


/* As in nginx, the file's name comes before what begins with "mp4". */
static enum step
refuse(struct http_request *r, const char *why)
{
    size_t n;
    str_t  path = http_map_path(r, &n);

    if (str_starts(str_of(why), STR("mp4 ")))
        log_error(r->task.log, "\"" STR_F "\" %s", STR_A(path), why);
    else
        log_error(r->task.log, "%s in \"" STR_F "\"", why, STR_A(path));
    return http_fail(r, 500);
}


/* --- the span that is asked for -------------------------------------------------- */

/* Seconds as milliseconds; players send many decimals, of which three count.
 * False: it is no time. */
static bool
parse_time(str_t text, uint64_t *ms)
{
    str_t    whole = str_cut(&text, '.');
    uint64_t scale = DECIMALS / 10;

    if (!number_parse(whole, UINT32_MAX / DECIMALS - 1, ms))
        return false;
    *ms *= DECIMALS;
    for (size_t i = 0; i < text.n; i++, scale /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        *ms += (uint64_t) (text.p[i] - '0') * scale;
    }
    return true;
}


/* False: the whole file is wanted. */
static bool
find_span(const struct http_request *r, struct mp4_span *span)
{
    const struct mp4_conf *conf = conf_of(&r->task, &mp4_module);
    uint64_t               end = 0;
    bool has_start = parse_time(http_argument(r, STR("start")), &span->start);
    bool has_end = parse_time(http_argument(r, STR("end")), &end) && end != 0;

    if (!has_start)
        span->start = 0;
    if (has_end && end > span->start)
        span->length = end - span->start;
    span->from_key_frame = conf->start_key_frame;
    return has_start || has_end;
}


/* --- the file ----------------------------------------------------------------------- */

static void
note_atom(struct places *p, const struct mp4_atom *at, uint64_t from)
{
    if (str_is(at->name, "ftyp")) {
        p->ftyp = from;
        p->ftyp_n = at->size;
    } else if (str_is(at->name, "moov")) {
        p->moov = from + at->head;
        p->moov_n = at->size - at->head;
        p->is_ready = p->mdat_end == 0;
    } else if (str_is(at->name, "mdat")) {
        p->mdat_end = from + at->size;
    }
}


/* Looks for the atoms.  NULL, or what is wrong. */
static const char *
find_atoms(struct http_request *r, struct file *f, struct places *p)
{
    char            head[MP4_HEAD_64];
    struct mp4_atom at;
    uint64_t        from = 0, left;
    size_t          n;

    for (unsigned i = 0; f->size - from >= MP4_HEAD; i++) {
        left = f->size - from;
        n = left < sizeof(head) ? (size_t) left : sizeof(head);
        if (i == ATOMS_MAX)
            return "mp4 file has too many atoms";
        if (!file_read_at(r, f, from, n, head))
            return "mp4 atom cannot be read";
        if (!mp4_atom_read(head, n, &at) || at.size > left)
            return "mp4 atom too large";
        if (at.size == 0)
            at.size = left;
        note_atom(p, &at, from);
        from += at.size;
    }
    return p->moov == 0           ? "no mp4 trak atoms were found"
           : p->mdat_end == 0     ? "no mp4 mdat atom was found"
           : p->ftyp_n > FTYP_MAX ? "mp4 ftyp atom too large"
                                  : NULL;
}


static void
put_block(void *block)
{
    block_put(block);
}


/* The contents of the moov atom, to be edited; NULL: r has failed. */
static char *
read_moov(struct http_request *r, struct file *f, const struct places *p)
{
    const struct mp4_conf *conf = conf_of(&r->task, &mp4_module);
    struct block          *b = NULL;

    if (p->moov_n > conf->max_buffer_size) {
        (void) refuse(r, arena_printf(r->task.arena,
                                      "mp4 moov atom is too large:%" PRIu64
                                      ", you may want to increase "
                                      "mp4_max_buffer_size",
                                      p->moov_n)
                             .p);
        return NULL;
    }
    b = block_try(p->moov_n == 0 ? 1 : (size_t) p->moov_n);
    if (b == NULL) {
        (void) refuse(r, "mp4 moov atom does not fit into memory");
        return NULL;
    }
    arena_defer(r->task.arena, put_block, b);
    if (!file_read_at(r, f, p->moov, (size_t) p->moov_n, b->data)) {
        (void) http_fail(r, 500);
        return NULL;
    }
    return b->data;
}


static enum step
send_part(struct http_request *r, struct file *f, const struct places *p,
          struct mp4_span *span)
{
    char           *moov = read_moov(r, f, p);
    struct mp4_part part;
    struct chain    body;
    const char     *error;

    if (moov == NULL)
        return STEP_FAIL;
    span->mdat_end = p->mdat_end;
    error = mp4_moov_cut(r->task.arena, moov, (size_t) p->moov_n, span,
                         p->ftyp_n, &part);
    if (error == NULL && (part.from >= part.until || part.until > f->size))
        error = "a chunk is outside of the file";
    if (error != NULL)
        return refuse(r, error);
    chain_init(&body, r->task.arena);
    http_file_add(&body, f, p->ftyp, p->ftyp_n);
    chain_move(&body, &part.out);
    http_file_add(&body, f, part.from, part.until - part.from);
    r->out.is_single_part = true;
    return http_file_send_parts(r, f, &body);
}


static enum step
send_film(struct http_request *r, struct file *f)
{
    struct mp4_span span = { .length = 0 };
    struct places   p = { .moov = 0 };
    const char     *error;

    if (!find_span(r, &span))
        return http_file_send(r, f);
    error = find_atoms(r, f, &p);
    if (error != NULL)
        return refuse(r, error);
    if (span.start == 0 && span.length == 0 && p.is_ready) {
        r->out.is_single_part = true;
        return http_file_send(r, f);
    }
    return send_part(r, f, &p, &span);
}


static enum step
serve(struct task *t)
{
    return video_serve(http_of(t), send_film);
}


/* --- directives ---------------------------------------------------------------------- */

static const struct content content = { .name = "mp4", .serve = serve };

static const struct directive directives[] = {
    CONTENT("mp4", IN_LOCATION, ARGS_0, &content, "",
            "Serves MP4 files, and of them the part that the arguments start "
            "and end give in seconds."),
    ACCEPTED("mp4_buffer_size", IN_WEB, conf_size, "size",
             "Without effect: the buffer is as large as the file's moov atom."),
    SIZE("mp4_max_buffer_size", IN_WEB, struct mp4_conf, max_buffer_size, "10m",
         "The largest moov atom of which parts are made; for larger ones the "
         "answer is 500."),
    FLAG("mp4_start_key_frame", IN_WEB, struct mp4_conf, start_key_frame, "off",
         "Begins a part with the key frame before its start, so that its "
         "first pictures are whole; players do not show what comes before the "
         "start."),
    { .name = NULL },
};

struct module mp4_module = {
    .name = "http_mp4",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct mp4_conf),
};
