/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip: compresses responses for clients that accept gzip (compress.c).
 *
 *     gzip on;
 *     gzip_types text/css application/json;
 */
#include "modules/filter/compress.h"
#include "modules/filter/deflate.h"
#include "modules/filter/gzip_rules.h"
#include "modules/module.h"

struct gzip_conf {
    struct compress_conf common;       /* first */
    size_t               window, hash; /* bytes                              */
    int                  window_bits;
    int                  memory; /* zlib's unit for hash                     */
};

extern struct module gzip_module;


/* --- rows ---------------------------------------------------------------- */

static bool
is_power_between(size_t n, size_t min, size_t max)
{
    return n >= min && n <= max && (n & (n - 1)) == 0;
}


static const char *
parse_window(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);

    if (error == NULL && !is_power_between(*(size_t *) field, 512, 32 << 10))
        return conf_error(cf, "\"gzip_window\" directive must be 512, 1k, 2k, "
                              "4k, 8k, 16k, or 32k");
    return error;
}


static const char *
parse_hash(struct conf *cf, void *field)
{
    const char *error = conf_size.parse(cf, field);

    if (error == NULL && !is_power_between(*(size_t *) field, 512, 128 << 10))
        return conf_error(cf, "\"gzip_hash\" directive must be 512, 1k, 2k, "
                              "4k, 8k, 16k, 32k, 64k, or 128k");
    return error;
}


static const char *
ready(struct conf *cf, void *conf)
{
    struct gzip_conf *c = conf;

    (void) cf;
    c->window_bits = compress_log2(c->window);
    c->memory = compress_log2(c->hash) - 8;
    return NULL;
}


static const struct conf_type window_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_window };
static const struct conf_type hash_type
    = { .name = "size", .size = sizeof(size_t), .parse = parse_hash };

static const struct conf_range levels = { 1, 9 };

static const struct directive rows[] = {
    FLAG("gzip", IN_WEB | IN_IF, struct gzip_conf, common.is_on, "off",
         "Compresses responses for clients that accept gzip."),
    NUMBER("gzip_comp_level", IN_WEB, struct gzip_conf, common.level, "1",
           &levels, "From 1, the fastest, to 9, the smallest."),
    { "gzip_window", IN_WEB, ARGS_1, &window_type,
      FIELD(struct gzip_conf, window, size_t), "32k", NULL, "size",
      "How far back compression searches for repetitions, a power of two from "
      "512 to 32k." },
    { "gzip_hash", IN_WEB, ARGS_1, &hash_type,
      FIELD(struct gzip_conf, hash, size_t), "64k", NULL, "size",
      "The memory that compression uses to find repetitions, a power of two "
      "from 512 to 128k." },
    SIZE("postpone_gzipping", IN_WEB, struct gzip_conf, common.postpone, "0",
         "Waits for this many bytes of the body before compression starts."),
    FLAG("gzip_no_buffer", IN_WEB, struct gzip_conf, common.no_buffer, "off",
         "Sends each piece as soon as it has been compressed."),
    { .name = NULL },
};

static const struct template templates[]
    = { COMPRESS_ROWS("gzip", struct gzip_conf), { .rows = NULL } };

static const struct variable variables[] = {
    { "gzip_ratio", compress_ratio, COMPRESS_GZIP, 0, NULL,
      "how many times smaller gzip made the response" },
    { .name = NULL },
};


/* --- the coding ---------------------------------------------------------- */

static void
plan(const struct compress_conf *common, struct coder_plan *p)
{
    const struct gzip_conf *c
        = container_of(common, const struct gzip_conf, common);

    p->level = (int) common->level;
    p->window = c->window_bits;
    p->memory = c->memory;
    deflate_plan(p);
}


static size_t
whole(const struct compress_conf *common, str_t in, char *out, size_t n)
{
    const struct gzip_conf *c
        = container_of(common, const struct gzip_conf, common);

    return deflate_whole((int) common->level, c->window_bits, in, out, n);
}


static const struct http_coding gzip = {
    .number = COMPRESS_GZIP,
    .made = "deflateInit2()",
    .run = "deflate()",
    .module = &gzip_module,
    .allows = gzip_is_allowed,
    .plan = plan,
    .whole = whole,
    .stop = deflate_stop,
};

struct module gzip_module = {
    .name = "http_gzip",
    .serves = FOR_HTTP,
    .directives = rows,
    .templates = templates,
    .variables = variables,
    .conf_size = sizeof(struct gzip_conf),
    .ready = ready,
    .coding = &gzip,
    .part_of = &compress_module,
};
