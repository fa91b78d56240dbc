/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives about files, and opening files accordingly.
 */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>

#include "core/cache/threads.h"
#include "core/expr/expr.h"
#include "core/net/worker.h"
#include "http/own_tag.h"
#include "http/response.h"

enum { NEW_FILE_MODE = 0644 };


/* --- looking up --------------------------------------------------------------- */

/* The open_file_cache lines of a generation. */
struct caches {
    VEC(struct file_cache_conf *) all;
};


static void
note_cache(struct conf *cf, struct file_cache_conf *c)
{
    struct caches *caches = conf_main(cf, &http_files_module);

    VEC_EACH(&caches->all, it)
        if ((*it)->max == c->max && (*it)->inactive == c->inactive)
            c->nth = (*it)->nth + 1;
    *vec_push(cf->arena, &caches->all) = c;
}


static const char *
parse_cache(struct conf *cf, void *field)
{
    struct file_cache_conf **slot = field, *c;
    bool                     is_off = false;
    unsigned                 i;
    uint64_t                 n;
    str_t                    v;

    c = arena_make(cf->arena, struct file_cache_conf);
    c->inactive = 60 * 1000;
    for (i = 1; i < cf->n_args; i++) {
        n = 0;
        if (str_is(cf->args[i], "off")) {
            is_off = true;
        } else if (conf_param(cf->args[i], "max", &v)
                   && number_parse(v, INT32_MAX, &n) && n != 0)
        {
            c->max = n;
        } else if (conf_param(cf->args[i], "inactive", &v)
                   && number_time(v, true, &n)) {
            c->inactive = n * 1000;
        } else {
            return conf_error(cf,
                              "invalid \"open_file_cache\" parameter "
                              "\"" STR_F "\"",
                              STR_A(cf->args[i]));
        }
    }
    if (c->max == 0 && is_off)
        return NULL;
    if (c->max == 0)
        return conf_error(cf, "\"open_file_cache\" must have the \"max\" "
                              "parameter");
    *slot = c;
    note_cache(cf, c);
    return NULL;
}


static bool
parse_how(str_t a, enum symlinks *how)
{
    if (str_is(a, "off"))
        *how = SYMLINKS_FOLLOW;
    else if (str_is(a, "on"))
        *how = SYMLINKS_REFUSE;
    else if (str_is(a, "if_not_owner"))
        *how = SYMLINKS_OWNED;
    else
        return false;
    return true;
}


static const char *
parse_symlinks(struct conf *cf, void *field)
{
    static const char *const words[] = { "off", "on", "if_not_owner", NULL };
    struct http_symlinks    *s = field;
    const char              *error = NULL;
    unsigned                 i, n = 0;
    str_t                    v;

    for (i = 1; i < cf->n_args; i++) {
        if (conf_param(cf->args[i], "from", &v)) {
            s->from = expr_compile(cf, v, 0, &error);
            if (s->from == NULL)
                return conf_error(cf, "%s", error);
        } else if (!parse_how(cf->args[i], &s->how)) {
            conf_suggest(cf, cf->args[i], words);
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
        } else if (++n == 2) {
            return conf_error(cf,
                              "duplicate parameters \"" STR_F " " STR_F "\"",
                              STR_A(cf->args[1]), STR_A(cf->args[2]));
        }
    }
    if (n == 0)
        return conf_error(cf, "\"disable_symlinks\" must have \"off\", "
                              "\"on\" or \"if_not_owner\" parameter");
    if (s->from != NULL && s->how == SYMLINKS_FOLLOW)
        return conf_error(cf, "\"from=\" cannot be used with \"off\" "
                              "parameter");
    return NULL;
}


static const struct conf_type cache_type = {
    .name = "open file cache",
    .size = sizeof(struct file_cache_conf *),
    .parse = parse_cache,
    .unset = "off",
};
static const struct conf_type symlinks_type = {
    .name = "disable_symlinks",
    .size = sizeof(struct http_symlinks),
    .parse = parse_symlinks,
    .unset = "off",
};

static const struct directive files_rows[] = {
    CUSTOM("open_file_cache", IN_WEB, ARGS_1 | ARGS_2, cache_type,
           struct http_files_conf, open_file_cache, struct file_cache_conf *,
           "off\n"
           "max=number [inactive=time]",
           "Keeps that many open files, their sizes and times, and drops "
           "those that were not used for the inactive time (60s). weir "
           "keeps files anyway wherever the kernel reports changes; this "
           "one serves where it cannot."),
    SEC("open_file_cache_valid", IN_WEB, struct http_files_conf, valid, "60s",
        "After which time an entry of open_file_cache is looked at "
        "again. What the kernel watches is never stale."),
    NUMBER("open_file_cache_min_uses", IN_WEB, struct http_files_conf, min_uses,
           "1", NULL,
           "How often a file must be asked for within the inactive time "
           "for it to stay open in open_file_cache."),
    FLAG("open_file_cache_errors", IN_WEB, struct http_files_conf, errors,
         "off",
         "Whether open_file_cache also remembers what could not be "
         "opened."),
    FLAG("open_file_cache_events", IN_WEB, struct http_files_conf, events,
         "off",
         "Accepted without effect: changes are always learnt from the "
         "kernel where it tells them."),
    CUSTOM("disable_symlinks", IN_WEB, ARGS_1 | ARGS_2, symlinks_type,
           struct http_files_conf, symlinks, struct http_symlinks,
           "off\n"
           "on | if_not_owner [from=part]",
           "Refuses files with a symbolic link in their path (on), or "
           "with one whose owner is another than that of what it leads "
           "to. from= is a start of the path that is not checked."),
    { .name = NULL },
};


static bool
start(struct worker *w)
{
    file_start(w->loop, &w->log);
    return true;
}


static void
stop(struct worker *w)
{
    (void) w;
    file_stop();
}


static bool
adopt(struct worker *w, struct generation *g)
{
    struct caches *caches = generation_main(g, http_files_module.slot);

    (void) w;
    file_keep_caches(caches->all.at, caches->all.n);
    return true;
}


struct module http_files_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = files_rows,
    .conf_size = sizeof(struct http_files_conf),
    .main_size = sizeof(struct caches),
    .process_start = start,
    .process_stop = stop,
    .adopt = adopt,
};


/* --- reading and sending ---------------------------------------------------------- */

static const char *
parse_directio(struct conf *cf, void *field)
{
    uint64_t *n = field;

    if (str_is(cf->args[1], "off")) {
        *n = FILE_DIRECT_OFF;
        return NULL;
    }
    if (!number_size(cf->args[1], true, n))
        return conf_error(cf, "\"directio\" directive invalid value");
    return NULL;
}


static const char *
parse_aio(struct conf *cf, void *field)
{
    static const char *const words[] = { "on", "off", "threads", NULL };
    struct http_aio         *aio = field;
    const char              *error = NULL;
    str_t                    v = cf->args[1], name = STR("default");

    if (str_is(v, "off")) {
        aio->how = AIO_OFF;
        return NULL;
    }
    if (!str_is(v, "on") && !str_is(v, "threads")
        && !conf_param(v, "threads", &name))
    {
        conf_suggest(cf, v, words);
        return conf_error(cf, "\"aio\" directive invalid value");
    }
    aio->how = str_is(v, "on") ? AIO_ON : AIO_THREADS;
    if (str_chr(name, '$') == NULL) {
        aio->threads = thread_pool_use(cf, name);
        return NULL;
    }
    aio->pool = expr_compile(cf, name, 0, &error);
    return aio->pool ? NULL : conf_error(cf, "%s", error);
}


static const struct conf_type directio_type
    = { .name = "directio", .size = sizeof(uint64_t), .parse = parse_directio };
static const struct conf_type aio_type = {
    .name = "aio",
    .size = sizeof(struct http_aio),
    .parse = parse_aio,
    .unset = "off",
};

static const struct directive io_rows[] = {
    FLAG("sendfile", IN_WEB | IN_IF, struct http_io_conf, sendfile, "off",
         "Lets the kernel copy from the file to the socket (sendfile). "
         "off reads into buffers and writes these."),
    SIZE("sendfile_max_chunk", IN_WEB, struct http_io_conf, sendfile_max_chunk,
         "2m",
         "How much one connection sends in one go before others have "
         "their turn; 0: no limit."),
    { "directio", IN_WEB, ARGS_1, &directio_type,
      FIELD(struct http_io_conf, directio, uint64_t), "off", NULL, "size | off",
      "Reads files from that size on past the cache of the system "
      "(O_DIRECT), and does not send them by sendfile." },
    SIZE("directio_alignment", IN_WEB, struct http_io_conf, directio_alignment,
         "512", "The alignment of reads for directio; XFS wants 4k."),
    CUSTOM("aio", IN_WEB, ARGS_1, aio_type, struct http_io_conf, aio,
           struct http_aio, "on | off | threads[=pool]",
           "Reads files in threads, so that a slow disk does not hold up "
           "the worker: threads names the pool of thread_pool, default "
           "unless said."),
    FLAG("aio_write", IN_WEB, struct http_io_conf, aio_write, "off",
         "Accepted without effect: temporary files are written by the "
         "worker."),
    SIZE("read_ahead", IN_WEB, struct http_io_conf, read_ahead, "0",
         "When not 0, the kernel is advised to read that much of files "
         "above 128k ahead."),
    BUFFERS("output_buffers", IN_WEB, struct http_io_conf, output_buffers,
            "2 32k",
            "How many buffers of which size a file is read into where "
            "sendfile is not used."),
    { .name = NULL },
};

struct module http_io_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = io_rows,
    .conf_size = sizeof(struct http_io_conf),
    .state_size = HTTP_IO_STATE,
};


/* --- answers about files ---------------------------------------------------------- */

static const struct conf_word modified_words[] = {
    { "off", MODIFIED_OFF },
    { "exact", MODIFIED_EXACT },
    { "before", MODIFIED_BEFORE },
    { NULL, 0 },
};

static const struct directive validate_rows[] = {
    NUMBER("max_ranges", IN_WEB, struct http_validate_conf, max_ranges,
           "2147483647", NULL,
           "How many ranges a request may ask for; with more the whole is "
           "sent. 0 turns ranges off."),
    ENUM("if_modified_since", IN_WEB, struct http_validate_conf,
         if_modified_since, "exact", modified_words,
         "When a file counts as not modified: at exactly the time of "
         "the request's If-Modified-Since, at that or before it, or "
         "never."),
    FLAG("etag", IN_WEB, struct http_validate_conf, etag, "on",
         "Sends an ETag made of time and size with static files."),
    FLAG("log_not_found", IN_WEB, struct http_validate_conf, log_not_found,
         "on", "Whether a file that does not exist is noted in the error log."),
    { .name = NULL },
};

struct module http_validate_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = validate_rows,
    .conf_size = sizeof(struct http_validate_conf),
};


/* "TIME-LENGTH", written from the end. */
void
http_set_etag(struct http_request *r)
{
    enum { ROOM = 36 };

    char *end, *p;

    if (!validate_conf(&r->task)->etag)
        return;
    end = p = arena_bytes(r->task.arena, ROOM) + ROOM;
    *--p = '"';
    p = number_put_hex(p, (uint64_t) r->out.length);
    *--p = '-';
    p = number_put_hex(p, (uint64_t) r->out.last_modified);
    *--p = '"';
    fields_set(r->task.arena, &r->out.fields, FIELD_ETAG, str_span(p, end));
}


void
http_weaken_etag(struct http_request *r)
{
    struct field *f = fields_get(&r->out.fields, FIELD_ETAG);

    if (f == NULL || str_starts(f->value, STR("W/")))
        return;
    if (f->value.n == 0 || f->value.p[0] != '"') {
        fields_hide(&r->out.fields, FIELD_ETAG);
        return;
    }
    if (r->out.is_upstreams && r->out.status == 200)
        own_tag_note(r, f->value);
    f->value = str_join(r->task.arena, STR("W/"), f->value);
}


void
http_renew_body(struct http_request *r, bool keeps_last_modified)
{
    r->out.length = -1;
    if (keeps_last_modified) {
        http_weaken_etag(r);
        return;
    }
    r->out.last_modified = -1;
    fields_hide(&r->out.fields, FIELD_LAST_MODIFIED);
    fields_hide(&r->out.fields, FIELD_ETAG);
}


/* --- opening ------------------------------------------------------------------- */

/* Which links in the path may be followed after the first *trusted bytes,
 * where all links may be.  If from= covers the whole path, *trusted is all of
 * it. */
static enum symlinks
symlinks_of(struct http_request *r, str_t path, size_t *trusted)
{
    const struct http_symlinks *s = &files_conf(&r->task)->symlinks;
    str_t                       from;

    *trusted = 0;
    if (s->how == SYMLINKS_FOLLOW || s->from == NULL)
        return s->how;
    from = expr_eval(s->from, &r->task);
    if (from.n == 0 || !str_starts(path, from))
        return s->how;
    if (from.n == path.n)
        return SYMLINKS_FOLLOW;
    if (from.p[from.n - 1] == '/' || path.p[from.n] == '/')
        *trusted = from.n;
    return s->how;
}


struct file_result
http_file_open(struct http_request *r, str_t path, bool test_only)
{
    const struct http_files_conf *c = files_conf(&r->task);
    const struct http_io_conf    *io = io_conf(&r->task);
    struct file_options           o = {
                  .cache = c->open_file_cache,
                  .valid = c->valid * 1000,
                  .min_uses = c->min_uses,
                  .errors = c->errors,
                  .directio = io->directio,
                  .read_ahead = io->read_ahead,
                  .test_only = test_only,
    };

    o.symlinks = symlinks_of(r, path, &o.trusted);
    return file_open(&r->task, path, &o);
}


int
http_file_append(struct http_request *r, str_t path, const char **call)
{
    size_t        trusted;
    enum symlinks how = symlinks_of(r, path, &trusted);
    int           flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;

    *call = "open()";
    if (how == SYMLINKS_FOLLOW)
        return open(path.p, flags, NEW_FILE_MODE);
    return file_open_walking(path, how, trusted, flags, call);
}


enum step
http_file_fail(struct http_request *r, str_t path, const struct file_result *f)
{
    enum log_level level = LEVEL_ERROR;
    unsigned       status;

    switch (f->error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        status = 404;
        break;
    case EACCES:
    case EMLINK:
    case ELOOP:
        status = 403;
        break;
    default:
        level = LEVEL_CRIT;
        status = 500;
    }
    if (status != 404 || validate_conf(&r->task)->log_not_found)
        log_at(r->task.log, level, f->error, "%s \"" STR_F "\" failed", f->call,
               STR_A(path));
    return http_fail(r, status);
}


enum step
http_folder_fail(struct http_request *r, str_t folder, int error)
{
    bool is_missing = error == ENOENT || error == ENOTDIR
                      || error == ENAMETOOLONG;

    log_at(r->task.log,
           is_missing || error == EACCES ? LEVEL_ERROR : LEVEL_CRIT, error,
           "opendir() \"" STR_F "\" failed", (int) folder.n - 1, folder.p);
    return http_fail(r, is_missing ? 404 : error == EACCES ? 403 : 500);
}


/* --- sending -------------------------------------------------------------------- */

void
http_file_add(struct chain *body, struct file *f, uint64_t at, uint64_t n)
{
    if (f->content != NULL)
        chain_add_block(body, f->content,
                        (str_t){ f->content->data + at, (size_t) n });
    else if (n != 0)
        chain_add_file(body, &f->chain, (off_t) at, (size_t) n);
}


enum step
http_file_send_parts(struct http_request *r, const struct file *f,
                     struct chain *body)
{
    enum step step;

    r->out.status = 200;
    r->out.length = (int64_t) body->n;
    r->out.last_modified = f->mtime;
    http_set_etag(r);
    http_set_content_type(r);
    r->out.allows_ranges = true;

    step = http_send_head(r);
    if (step == STEP_NEXT)
        return http_send(r, body, true);
    chain_clear(body);
    return step;
}


enum step
http_file_send(struct http_request *r, struct file *f)
{
    struct chain body;

    chain_init(&body, r->task.arena);
    http_file_add(&body, f, 0, f->size);
    return http_file_send_parts(r, f, &body);
}
