/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flv: Flash video from a position in the file on, where the player asks for
 * one that is the beginning of a tag.
 *
 *     location ~ \.flv$ { flv; }        /film.flv?start=123456
 *
 * Such a response begins with a header of its own.
 */
#include "http/files.h"
#include "http/variables.h"
#include "modules/content/video.h"
#include "modules/module.h"

/* Version 1, sound and pictures, nine bytes; no tag comes before the first. */
static const char header[] = "FLV\1\5\0\0\0\11\0\0\0\0";


static enum step
send_from(struct http_request *r, struct file *f)
{
    struct chain body;
    uint64_t     start;

    if (!number_parse(http_argument(r, STR("start")), INT64_MAX, &start)
        || start >= f->size)
        start = 0;
    chain_init(&body, r->task.arena);
    if (start != 0)
        chain_add(&body, (str_t){ header, sizeof(header) - 1 });
    http_file_add(&body, f, start, f->size - start);
    return http_file_send_parts(r, f, &body);
}


static enum step
serve(struct task *t)
{
    return video_serve(http_of(t), send_from);
}


static const struct content content = { .name = "flv", .serve = serve };

static const struct directive directives[] = {
    CONTENT("flv", IN_LOCATION, ARGS_0, &content, "",
            "Serves Flash video files from the position on that the argument "
            "start gives."),
    { .name = NULL },
};

extern struct module flv_module;

struct module flv_module = {
    .name = "http_flv",
    .serves = FOR_HTTP,
    .directives = directives,
};
