/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolv.conf(5) and hosts(5).
 */
#include "core/net/resolv_conf.h"

#include "core/base/number.h"

enum { PORT = 53, NDOTS_MAX = 15, TIMEOUT_MAX = 30, ATTEMPTS_MAX = 5 };


/* The next word of *rest, or an empty one. */
static str_t
next_word(str_t *rest)
{
    size_t n = 0;

    while (rest->n != 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
        *rest = str_from(*rest, 1);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    *rest = str_from(*rest, n);
    return (str_t){ rest->p - n, n };
}


/* The next line of *rest, without what follows a comment character. */
static str_t
next_line(str_t *rest, const char *comments)
{
    str_t line = str_cut(rest, '\n');

    for (; *comments != '\0'; comments++) {
        const char *at = str_chr(line, *comments);

        if (at != NULL)
            line = str_span(line.p, at);
    }
    if (line.n != 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}


static void
add_server(struct resolv_conf *c, str_t word)
{
    struct addr_any *at = &c->servers[c->n_servers];
    const char      *zone = str_chr(word, '%');

    if (zone != NULL)
        word = str_span(word.p, zone);
    if (c->n_servers == RESOLV_SERVERS_MAX || !addr_parse(word, at)
        || at->sa.sa_family == AF_UNIX)
        return;
    addr_set_port(&at->sa, PORT);
    c->n_servers++;
}


static void
set_search(struct resolv_conf *c, str_t rest, bool is_one)
{
    str_t word;

    c->n_search = 0;
    while ((word = next_word(&rest)).n != 0
           && c->n_search < (is_one ? 1 : RESOLV_SEARCH_MAX))
    {
        while (word.n != 0 && word.p[word.n - 1] == '.')
            word.n--;
        if (word.n != 0)
            c->search[c->n_search++] = word;
    }
}


static void
set_number(unsigned *field, str_t option, str_t name, unsigned least,
           unsigned most)
{
    uint64_t n;

    if (!str_starts(option, name)
        || !number_parse(str_from(option, name.n), UINT32_MAX, &n))
        return;
    *field = n < least ? least : n > most ? most : (unsigned) n;
}


static void
set_options(struct resolv_conf *c, str_t rest)
{
    str_t word;

    while ((word = next_word(&rest)).n != 0) {
        set_number(&c->ndots, word, STR("ndots:"), 0, NDOTS_MAX);
        set_number(&c->timeout, word, STR("timeout:"), 1, TIMEOUT_MAX);
        set_number(&c->attempts, word, STR("attempts:"), 1, ATTEMPTS_MAX);
        if (str_is(word, "rotate"))
            c->rotates = true;
    }
}


void
resolv_conf_read(str_t text, struct resolv_conf *out)
{
    *out = (struct resolv_conf){ .ndots = 1, .timeout = 5, .attempts = 2 };
    while (text.n != 0) {
        str_t line = next_line(&text, "#;"), word = next_word(&line);

        if (str_is(word, "nameserver"))
            add_server(out, next_word(&line));
        else if (str_is(word, "search"))
            set_search(out, line, false);
        else if (str_is(word, "domain"))
            set_search(out, line, true);
        else if (str_is(word, "options"))
            set_options(out, line);
    }
    if (out->n_servers == 0)
        add_server(out, STR("127.0.0.1"));
}


size_t
resolv_conf_names(struct arena *a, const struct resolv_conf *c, str_t name,
                  str_t **out)
{
    size_t   n = 0;
    unsigned dots = 0;
    bool     is_whole = name.n != 0 && name.p[name.n - 1] == '.';

    *out = arena_array(a, str_t, c->n_search + 1);
    for (size_t i = 0; i < name.n; i++)
        dots += name.p[i] == '.';
    if (is_whole)
        name.n--;
    if (is_whole || dots >= c->ndots)
        (*out)[n++] = name;
    for (size_t i = 0; !is_whole && i < c->n_search; i++)
        (*out)[n++] = str_join3(a, name, STR("."), c->search[i]);
    if (!is_whole && dots < c->ndots)
        (*out)[n++] = name;
    return n;
}


size_t
hosts_find(str_t text, str_t name, struct addr_any out[HOSTS_ADDRESSES_MAX])
{
    size_t n = 0;

    if (name.n != 0 && name.p[name.n - 1] == '.')
        name.n--;
    while (text.n != 0 && n < HOSTS_ADDRESSES_MAX) {
        str_t line = next_line(&text, "#"), address = next_word(&line), word;

        while ((word = next_word(&line)).n != 0) {
            if (!str_ieq(word, name) || !addr_parse(address, &out[n])
                || out[n].sa.sa_family == AF_UNIX)
                continue;
            n++;
            break;
        }
    }
    return n;
}
