/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of autoindex share: a folder's entries, and the page that is
 * being made of them.
 */
#pragma once

#include "core/base/chain.h"
#include "core/base/vec.h"
#include "http/request.h"

enum theme { THEME_PLAIN, THEME_MODERN };
enum format { FORMAT_HTML, FORMAT_JSON, FORMAT_JSONP, FORMAT_XML };

struct autoindex_conf {
    bool     autoindex, exact_size, localtime;
    unsigned format, theme;
};

struct entry {
    str_t  name;
    time_t mtime;
    off_t  size;
    bool   is_folder, is_file;
};

struct entries {
    VEC(struct entry) list;
};

/* What the printers of all formats need. */
struct page {
    struct http_request         *r;
    struct arena                *arena;
    struct chain                 out;
    const struct autoindex_conf *conf;
    bool                         is_utf8;
    str_t                        callback;
};

/* "01-Dec-2026 09:05", in the time zone of the directives. */
str_t autoindex_date(const struct page *p, time_t at);
/* autoindex_modern.c: a page for people: sorted by what the arguments say. */
void autoindex_print_modern(struct page *p, struct entries *entries);
