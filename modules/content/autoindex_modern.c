/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autoindex_theme modern: a page that loads nothing else and has no script.  The
 * columns are sorted by the server, which the links in their heads ask for:
 * ?sort=size&order=desc.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "http/variables.h"
#include "modules/content/autoindex.h"
#include "modules/module.h"

enum key { BY_NAME, BY_TIME, BY_SIZE };

static const char *const key_names[]
    = { [BY_NAME] = "name", [BY_TIME] = "time", [BY_SIZE] = "size" };

static const char style[]
    = ":root{color-scheme:light dark}"
      "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;"
      "padding:1rem}"
      "h1{font-size:1.3rem;overflow-wrap:anywhere}"
      "table{border-collapse:collapse;width:100%}"
      "th,td{padding:.4rem .5rem;text-align:left;border-bottom:1px solid #8884}"
      "th+th,td+td{text-align:right;white-space:nowrap;"
      "font-variant-numeric:tabular-nums}"
      "td:first-child{overflow-wrap:anywhere;width:99%}"
      "tr:hover td{background:#8882}"
      "a{text-decoration:none}"
      "a:hover{text-decoration:underline}"
      "@media(max-width:35rem){th:nth-child(2),td:nth-child(2){display:none}}";


/* --- order ----------------------------------------------------------------------------- */

static int
compare_numbers(intmax_t a, intmax_t b)
{
    return (a > b) - (a < b);
}


/* Folders come first in any order. */
static int
compare(const struct entry *a, const struct entry *b, enum key key,
        bool is_falling)
{
    int n = 0;

    if (a->is_folder != b->is_folder)
        return a->is_folder ? -1 : 1;
    if (key == BY_TIME)
        n = compare_numbers(a->mtime, b->mtime);
    else if (key == BY_SIZE && !a->is_folder)
        n = compare_numbers(a->size, b->size);
    if (n == 0)
        n = str_cmp(a->name, b->name);
    return is_falling ? -n : n;
}


#define ORDER(name, key, is_falling) \
    static int name(const void *a, const void *b) \
    { \
        return compare(a, b, key, is_falling); \
    }
ORDER(by_name, BY_NAME, false)
ORDER(by_name_falling, BY_NAME, true)
ORDER(by_time, BY_TIME, false)
ORDER(by_time_falling, BY_TIME, true)
ORDER(by_size, BY_SIZE, false)
ORDER(by_size_falling, BY_SIZE, true)
#undef ORDER

static int (*const orders[][2])(const void *, const void *) = {
    [BY_NAME] = { by_name, by_name_falling },
    [BY_TIME] = { by_time, by_time_falling },
    [BY_SIZE] = { by_size, by_size_falling },
};


static enum key
key_asked_for(const struct http_request *r)
{
    str_t text = http_argument(r, STR("sort"));

    for (unsigned k = BY_NAME; k <= BY_SIZE; k++)
        if (str_eq(text, str_of(key_names[k])))
            return (enum key) k;
    return BY_NAME;
}


/* --- the page ------------------------------------------------------------------------- */

/* The head of a column: a link that sorts by it, in the other direction where it
 * is sorted by it already. */
static void
put_head(struct page *p, enum key key, const char *title, enum key now,
         bool is_falling)
{
    bool turns = key == now && !is_falling;

    chain_add(&p->out,
              arena_printf(p->arena, "<th%s><a href=\"?sort=%s%s\">%s</a></th>",
                           key != now   ? ""
                           : is_falling ? " aria-sort=\"descending\""
                                        : " aria-sort=\"ascending\"",
                           key_names[key], turns ? "&amp;order=desc" : "",
                           title));
}


/* "4.2 MB"; bytes as they are with autoindex_exact_size. */
static str_t
size_text(const struct page *p, const struct entry *e)
{
    static const char units[] = "kMGTP";
    uint64_t          n = (uint64_t) e->size, tenths;
    unsigned          u = 0;

    if (e->is_folder)
        return STR("");
    if (p->conf->exact_size || n < 1000)
        return arena_printf(p->arena, "%" PRIu64 "%s", n,
                            p->conf->exact_size ? "" : " B");
    for (tenths = n / 100; tenths >= 10000 && units[u + 1] != '\0'; u++)
        tenths /= 1000;
    return tenths < 100 ? arena_printf(p->arena, "%" PRIu64 ".%" PRIu64 " %cB",
                                       tenths / 10, tenths % 10, units[u])
                        : arena_printf(p->arena, "%" PRIu64 " %cB", tenths / 10,
                                       units[u]);
}


static void
put_entry(struct page *p, const struct entry *e)
{
    const char *slash = e->is_folder ? "/" : "";
    str_t       href = escape_uri(p->arena, e->name, ESCAPE_URI_COMPONENT);
    str_t       name = escape_html(p->arena, e->name);
    str_t       date = autoindex_date(p, e->mtime), size = size_text(p, e);

    chain_add(&p->out, arena_printf(p->arena,
                                    "<tr><td><a href=\"" STR_F "%s\">" STR_F
                                    "%s</a></td><td>" STR_F "</td><td>" STR_F
                                    "</td></tr>\n",
                                    STR_A(href), slash, STR_A(name), slash,
                                    STR_A(date), STR_A(size)));
}


void
autoindex_print_modern(struct page *p, struct entries *entries)
{
    enum key key = key_asked_for(p->r);
    bool     is_falling = str_is(http_argument(p->r, STR("order")), "desc");
    str_t    uri = escape_html(p->arena, p->r->uri);

    if (entries->list.n > 1)
        qsort(entries->list.at, entries->list.n, sizeof(entries->list.at[0]),
              orders[key][is_falling]);
    chain_add(&p->out,
              STR("<!doctype html>\n<html><head><meta name=\"viewport\" "
                  "content=\"width=device-width\">\n<title>Index of "));
    chain_add(&p->out, uri);
    chain_add(&p->out, STR("</title>\n<style>"));
    chain_add(&p->out, (str_t){ style, sizeof(style) - 1 });
    chain_add(&p->out, STR("</style></head>\n<body><h1>Index of "));
    chain_add(&p->out, uri);
    chain_add(&p->out, STR("</h1>\n<table><thead><tr>"));
    put_head(p, BY_NAME, "Name", key, is_falling);
    put_head(p, BY_TIME, "Changed", key, is_falling);
    put_head(p, BY_SIZE, "Size", key, is_falling);
    chain_add(&p->out, STR("</tr></thead>\n<tbody>"));
    if (p->r->uri.n > 1)
        chain_add(&p->out, STR("<tr><td><a href=\"../\">../</a></td>"
                               "<td></td><td></td></tr>\n"));
    VEC_EACH(&entries->list, e)
        put_entry(p, e);
    chain_add(&p->out, STR("</tbody></table></body></html>\n"));
}
