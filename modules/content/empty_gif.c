/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * empty_gif: a transparent picture of one pixel.
 *
 *     location = /pixel.gif { empty_gif; }
 */
#include "modules/module.h"

enum { MADE_AT = 23349600 }; /* for Last-Modified       */

static const char pixel[]
    = "GIF89a\1\0\1\0\x80\1\0" /* 1x1, a palette of two colours */
      "\0\0\0"
      "\xff\xff\xff"        /* black, white                  */
      "!\xf9\4\1\0\0\1\0"   /* colour 1 is transparent       */
      ",\0\0\0\0\1\0\1\0\0" /* an image of the whole size    */
      "\2\2L\1\0;";         /* its one pixel has colour 1    */


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);

    if (!(r->method & (HTTP_GET | HTTP_HEAD)))
        return http_fail(r, 405);
    r->out.last_modified = MADE_AT;
    return http_reply(r, 200, STR("image/gif"),
                      (str_t){ pixel, sizeof(pixel) - 1 });
}


static const struct content content = { .name = "empty_gif", .serve = serve };

static const struct directive directives[] = {
    CONTENT("empty_gif", IN_LOCATION, ARGS_0, &content, "",
            "Answers with a transparent image of one pixel."),
    { .name = NULL },
};

extern struct module empty_gif_module;

struct module empty_gif_module = {
    .name = "empty_gif",
    .serves = FOR_HTTP,
    .directives = directives,
};
