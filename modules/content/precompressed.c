/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip_static, brotli_static, zstd_static: files that were compressed before,
 * beside the original (page.html, page.html.gz).
 *
 *     gzip_static on;
 *     brotli_static always;
 *
 * Of those that are there, the client gets the one that it prefers; none where
 * it prefers a coding that the filter would make (compress.c).
 */
#include <errno.h>

#include "http/files.h"
#include "modules/filter/compress.h"
#include "modules/filter/gzip_rules.h"
#include "modules/module.h"

enum { STATIC_OFF, STATIC_ON, STATIC_ALWAYS };

struct static_conf {
    unsigned how;
};

extern struct module gzip_static_module, brotli_static_module,
    zstd_static_module;

static const struct {
    struct module *module;
    const char    *suffix;
} kinds[COMPRESS_CODINGS] = {
    [COMPRESS_BR] = { &brotli_static_module, ".br" },
    [COMPRESS_ZSTD] = { &zstd_static_module, ".zst" },
    [COMPRESS_GZIP] = { &gzip_static_module, ".gz" },
};

static const struct conf_word words[] = { { "off", STATIC_OFF },
                                          { "on", STATIC_ON },
                                          { "always", STATIC_ALWAYS },
                                          { NULL, 0 } };

#define ROWS(n, suffix) \
    { \
        ENUM(n, IN_WEB, struct static_conf, how, "off", words, \
             "Sends FILE" suffix " instead of FILE, if it is there: on: to " \
             "clients that accept it; always: to all."), \
        { \
            .name = NULL \
        } \
    }

static const struct directive gzip_rows[] = ROWS("gzip_static", ".gz");
static const struct directive brotli_rows[] = ROWS("brotli_static", ".br");
static const struct directive zstd_rows[] = ROWS("zstd_static", ".zst");


/* The codings for which the location says on, or always. */
static unsigned
those(const struct http_request *r, unsigned how)
{
    unsigned bits = 0;

    for (unsigned k = 0; k < COMPRESS_CODINGS; k++) {
        const struct static_conf *c = conf_of(&r->task, kinds[k].module);

        if (c->how == how)
            bits |= 1u << k;
    }
    return bits;
}


/* The file for a coding, or NULL. */
static struct file *
open_one(struct http_request *r, str_t path, unsigned k)
{
    str_t name
        = str_join3(r->task.arena, path, str_of(kinds[k].suffix), STR("\0"));
    struct file_result f;
    bool               is_found;

    name.n--;
    f = http_file_open(r, name, false);
    if (f.file == NULL && f.error != ENOENT && f.error != ENOTDIR
        && f.error != ENAMETOOLONG)
        log_at(r->task.log, f.error == EACCES ? LEVEL_ERROR : LEVEL_CRIT,
               f.error, "%s \"" STR_F "\" failed", f.call, STR_A(name));
    is_found = f.file != NULL && file_is_regular(f.file);
    if (task_is_dry(&r->task))
        http_trace_path(r, is_found, "a precompressed file", name);
    if (is_found)
        return f.file;
    file_put(f.file);
    return NULL;
}


/* Whether the filter would make something of the original that the client wants
 * more than that weight. */
static bool
is_filter_preferred(struct http_request *r, str_t path, unsigned weight)
{
    struct file_result f;
    bool               is_preferred;

    http_set_content_type(r);
    is_preferred = compress_is_preferred(r, weight);
    r->out.content_type = STR_NONE;
    if (!is_preferred)
        return false;
    f = http_file_open(r, path, false);
    file_put(f.file);
    return f.file != NULL;
}


static bool
is_any_there(struct http_request *r, str_t path, unsigned bits)
{
    struct file *f = NULL;

    for (unsigned k = 0; f == NULL && k < COMPRESS_CODINGS; k++)
        if (bits & 1u << k)
            f = open_one(r, path, k);
    file_put(f);
    return f != NULL;
}


/* The file that the client gets, and its coding in *k; or NULL. */
static struct file *
choose(struct http_request *r, str_t path, unsigned on, unsigned always,
       unsigned *k)
{
    const uint8_t *order = compress_order(r);
    unsigned       bits = on | always, weight;
    struct file   *f = NULL;

    if ((on & 1u << COMPRESS_GZIP) && !gzip_is_allowed(r))
        bits &= ~(1u << COMPRESS_GZIP);
    while ((*k = compress_choose(r, bits, &weight)) != COMPRESS_CODINGS) {
        f = open_one(r, path, *k);
        if (f != NULL && ((always & 1u << *k) == 0)
            && is_filter_preferred(r, path, weight))
        {
            file_put(f);
            f = NULL;
            break;
        }
        if (f != NULL)
            return f;
        bits &= ~(1u << *k);
    }
    for (unsigned i = 0; f == NULL && i < COMPRESS_CODINGS; i++) {
        *k = order[i];
        if (always & 1u << *k)
            f = open_one(r, path, *k);
    }
    return f;
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    unsigned             on = those(r, STATIC_ON), k;
    unsigned             always = those(r, STATIC_ALWAYS);
    struct file         *f;
    size_t               root_len;
    enum step            step;
    str_t                path;

    if ((on | always) == 0 || !(r->method & (HTTP_GET | HTTP_HEAD))
        || http_uri_is_folder(r))
        return STEP_NEXT;
    path = http_map_path(r, &root_len);
    if (path.p == NULL)
        return http_fail(r, 500);
    f = choose(r, path, on, always, &k);
    if ((f != NULL && (on & 1u << k))
        || (f == NULL && gzip_varies(r) && is_any_there(r, path, on)))
        gzip_set_vary(r);
    if (f == NULL)
        return STEP_NEXT;
    fields_add_id(t->arena, &r->out.fields, FIELD_CONTENT_ENCODING,
                  compress_name(k));
    step = http_file_send(r, f);
    file_put(f);
    return step;
}


struct module gzip_static_module = {
    .name = "http_gzip_static",
    .serves = FOR_HTTP,
    .directives = gzip_rows,
    .conf_size = sizeof(struct static_conf),
    .phase = { [PHASE_CONTENT] = serve },
};

struct module brotli_static_module = {
    .name = "http_brotli_static",
    .serves = FOR_HTTP,
    .directives = brotli_rows,
    .conf_size = sizeof(struct static_conf),
    .part_of = &gzip_static_module,
};

struct module zstd_static_module = {
    .name = "http_zstd_static",
    .serves = FOR_HTTP,
    .directives = zstd_rows,
    .conf_size = sizeof(struct static_conf),
    .part_of = &gzip_static_module,
};
